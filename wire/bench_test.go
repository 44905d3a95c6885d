package wire

import (
	"fmt"
	"strings"
	"testing"
)

// sized returns a tools/call of about n bytes whose arguments have members of
// ordinary size.
func sized(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"write_file","arguments":{"path":"/workspace/notes/today.md"`)
	for i := 0; b.Len() < n-40; i++ {
		fmt.Fprintf(&b, `,"field%d":{"text":"some words, \n%d","n":%d}`, i, i, i)
	}
	b.WriteString(`},"_meta":{"progressToken":12}}}`)
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, bm := range []struct {
		name string
		n    int
	}{{"256B", 256}, {"16KiB", 16 << 10}, {"1MiB", 1 << 20}} {
		in := sized(bm.n)
		b.Run(bm.name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(in, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	m, err := Parse(sized(256), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Digest(m.Arguments); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	m, err := Parse(sized(256), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(m.Arguments); err != nil {
			b.Fatal(err)
		}
	}
}
