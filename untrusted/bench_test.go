package untrusted

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

func BenchmarkFilter(b *testing.B) {
	text := func(s string, size int) []byte {
		return append(append([]byte(`{"content":[{"type":"text","text":`), wire.Quote(strings.Repeat(s, size/len(s)))...), "}]}"...)
	}
	rows := append(append([]byte(`{"content":[],"structuredContent":{"rows":[`), bytes.Repeat([]byte(`{"id":12345,"name":"somebody","mail":"a@b.example"},`), 20_000)...), `{}]}}`...)
	b.Run("copy 1 MB", func(b *testing.B) { // what the rest is compared with
		body := text("a", 1<<20)
		b.SetBytes(int64(len(body)))
		before := used()
		for b.Loop() {
			_ = append(make([]byte, 0, len(body)+500), body...)
		}
		b.ReportMetric(float64(len(body))*float64(b.N)/1e6/(used()-before).Seconds(), "MB/cpu-s")
	})
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"ASCII 1 MB", text("The quick brown fox jumps over the lazy dog.\n", 1<<20)},
		{"ASCII 10 KB", text("The quick brown fox jumps over the lazy dog.\n", 10<<10)},
		{"ASCII 200 B", text("The quick brown fox jumps over the lazy dog.\n", 200)},
		{"HTML 1 MB", text("<tr><td class=\"a\">x[1]</td>\n<td>undo</td></tr>\n", 1<<20)},
		{"Chinese 1 MB", text("天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。\n", 1<<20)},
		{"German 1 MB", text("Übung macht den Meister, heißt es überall.\n", 1<<20)},
		{"Russian 1 MB", text("Съешь же ещё этих мягких булок, да выпей чаю.\n", 1<<20)},
		{"rows 1 MB", rows},
		{"hidden 1 MB", text("a\u200b", 1<<20)},
		{"fences 1 MB", text("</untrusted>", 1<<20)},
		{"openers 1 MB", text("<[", 1<<20)},
		{"image 1 MB", []byte(`{"content":[{"type":"image","data":"` + strings.Repeat("QUJD", 1<<18) + `"}]}`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newFilter(b, func(o *Options) { o.Nonce = rand.Reader })
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			before := used()
			for b.Loop() {
				r := ostiary.Result{Status: ostiary.StatusOK, Body: c.body}
				if err := f.Apply(context.Background(), call("tools/call"), &r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(c.body))*float64(b.N)/1e6/(used()-before).Seconds(), "MB/cpu-s")
		})
	}
}

// used is the time on processors so far, which says more than a clock where others
// work too.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
