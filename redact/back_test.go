package redact

import (
	"slices"
	"strings"
	"testing"
)

// What stands for itself may be passed over at once: the places are those that one byte
// after another gives.
func FuzzBack(f *testing.F) {
	for _, s := range []string{``, `plain`, `a\nb\u00e9c\ud83d\ude00`, `\\\\\\`, `%41%4`, "é%c3%a9", `x\`} {
		f.Add(s, uint16(0), uint16(3), uint16(2), uint16(9))
	}
	f.Fuzz(func(t *testing.T, s string, a, b, c, d uint16) {
		for _, v := range views() {
			decoded, _ := v.undo(nil, s)
			var found []secret
			for _, p := range [][2]uint16{{a, b}, {c, d}} {
				start, end := int(min(p[0], p[1])), int(max(p[0], p[1]))
				if start < end && end <= len(decoded) {
					found = append(found, secret{start: start, end: end})
				}
			}
			slowly := slices.Clone(found)
			back(s, found, v)
			back(s, slowly, view{0, v.decode})
			for i := range found {
				if found[i].start != slowly[i].start || found[i].end != slowly[i].end {
					t.Fatalf("%q: %d to %d, want %d to %d", s, found[i].start, found[i].end, slowly[i].start, slowly[i].end)
				}
			}
		}
	})
}

// No run of base64 hides, wherever it begins and whatever stands beside it.
func TestNextRunFindsEach(t *testing.T) {
	for size := leastRun; size < 40; size++ {
		run := strings.Repeat("Ab0-", 10)[:size]
		for before := range 24 {
			for _, beside := range []string{" ", "a b ", "\n", "é", "x.", "words "} {
				s := strings.Repeat(beside, 24)[:before*len(beside)] + "." + run + "." + beside
				start, end, _, ok := nextRun(s, 0, len(s))
				if !ok || s[start:end] != run {
					t.Fatalf("%q: %d to %d, %t", s, start, end, ok)
				}
			}
		}
	}
}

// Neither do lines that are shorter, however they are broken and indented.
func TestNextRunFindsLines(t *testing.T) {
	for size := leastLine; size < leastRun; size++ {
		line := strings.Repeat("Ab0-", 10)[:size]
		for _, br := range []string{"\n", "\r\n", `\n`, `\\n`, `\r\n`} {
			for indent := range 2 * stride {
				block := strings.Repeat(line+br+strings.Repeat(" ", indent), 2) + "Ab0"
				for before := range 2 * stride {
					for _, beside := range []string{"", "\n", "word\n", `x\n`} {
						s := strings.Repeat(".", before) + beside + block
						start, end, _, ok := nextRun(s, 0, len(s))
						if begin := before + len(beside); !ok || lineBegin(s, start) != begin || end != begin+size {
							t.Fatalf("%q: %d to %d, %t", s, start, end, ok)
						}
					}
				}
			}
		}
	}
}
