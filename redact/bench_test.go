package redact

import (
	"strings"
	"testing"
)

// Arguments as a tool gets them, without any secret and with ten known ones.
func BenchmarkArguments(b *testing.B) {
	r := redactor(b, "first-secret", "second-secret", "third-secret", "4th-secret", "5th-secret", "6th-secret", "7th-secret", "8th-secret", "9th-secret", "10th-secret")
	args := []byte(`{"path":"/srv/workspace/notes/2026/today.md","mode":"append","maxBytes":65536,"content":"` + strings.Repeat("plain words of a note ", 7) + `"}`)
	b.SetBytes(int64(len(args)))
	b.ReportAllocs()
	for b.Loop() {
		r.Arguments(args, nil)
	}
}

func BenchmarkText(b *testing.B) {
	r := redactor(b, "first-secret", "second-secret")
	text := strings.Repeat("plain words of a longer result, with some 100% of \\n escapes ", 170)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Text(text)
	}
}
