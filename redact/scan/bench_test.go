package scan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func ordinary(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the file of a request was written to disk and then read by another process which returned an error because there is no such directory error warning info status count items total name path value result user list get set open close main func return import package test go build version release notes")
	var b strings.Builder
	for b.Len() < n {
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "-rw-r--r-- 1 user staff %d Nov 12 10:%02d src/%s/%s_%s.go\n", r.IntN(99999), r.IntN(60), words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))])
		case 1:
			fmt.Fprintf(&b, "{\"id\": %d, \"name\": \"%s\", \"status\": \"open\", \"url\": \"https://example.com/items/%d\", \"updated_at\": \"2026-11-12T10:%02d:00Z\"}\n", r.IntN(99999), words[r.IntN(len(words))], r.IntN(9999), r.IntN(60))
		case 2:
			fmt.Fprintf(&b, "2026-11-12T10:%02d:%02dZ INFO %s: %s %s in %dms\n", r.IntN(60), r.IntN(60), words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))], r.IntN(900))
		default:
			for range 12 {
				b.WriteString(words[r.IntN(len(words))])
				b.WriteByte(' ')
			}
			b.WriteString("\n")
		}
	}
	return b.String()[:n]
}

func BenchmarkFind(b *testing.B) {
	e, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{10 << 10, 1 << 20} {
		text := ordinary(n)
		raw := []byte(text)
		b.Run(fmt.Sprintf("find/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			var dst []Finding
			for b.Loop() {
				dst = e.Find(dst[:0], text)
			}
		})
		b.Run(fmt.Sprintf("hits/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			var dst []int
			for b.Loop() {
				dst = e.Hits(dst[:0], raw)
			}
			b.ReportMetric(float64(len(dst)), "hits")
		})
		b.Run(fmt.Sprintf("auto/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			var l lanes
			for b.Loop() {
				search(e.words, &l, text, 0, min(n, block))
			}
		})
	}
}
