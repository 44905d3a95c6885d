package visible_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/visible"
)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"", 0, ""},
		{"plain, ünïcode 漢字 🙂 \\n", 100, "plain, ünïcode 漢字 🙂 \\n"},
		{"a\nb\tc\r", 100, `a\nb\tc\r`},
		{"\x1b[31mred\x07\x7f", 100, `\u{1b}[31mred\u{7}\u{7f}`},
		{"\u009b31m\u0085", 100, `\u{9b}31m\u{85}`},
		{"\u202e\u2066\u200f\u061c", 100, `\u{202e}\u{2066}\u{200f}\u{61c}`},
		{"\u200b\u200d\u2060\ufeff\u00ad\u034f\u3164\u2800", 100, `\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}\u{3164}\u{2800}`},
		{"\u00a0\u2003\u3000\u2028\u2029", 100, `\u{a0}\u{2003}\u{3000}\u{2028}\u{2029}`},
		{"\U000e0041\ufe0f\U000e0100", 100, `\u{e0041}\u{fe0f}\u{e0100}`},          // tags, variation selectors
		{"\ue000\U0010fffd\u0378\uffff", 100, `\u{e000}\u{10fffd}\u{378}\u{ffff}`}, // private, unassigned, no character
		{"a\xffb\xed\xa0\x80", 100, `a\x{ff}b\x{ed}\x{a0}\x{80}`},
		{"\ufffd", 100, "\ufffd"},
		{"e\u0301", 100, "e\u0301"},
		{"\u0301e", 100, `\u{301}e`}, // would stand on what is before the text
		{"e\u0301\u0302\u0303\u0304\u0305f", 100, "e\u0301\u0302\u0303" + `\u{304}\u{305}f`},
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abcde…"},
		{"漢字漢字", 3, "漢字…"},
		{"ab\x1bcd", 6, "ab…"}, // an escape is whole or not there
		{"abcdef", 1, "…"},
		{"abcdef", 0, "…"},
		{"abcdef", -5, "…"},
		{strings.Repeat("a", 10<<20), 5, "aaaa…"},
		{"a\nb", math.MaxInt, `a\nb`},
	} {
		if got := visible.Line(c.in, c.max); got != c.want {
			t.Errorf("Line(%.40q, %d) = %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		in           string
		lines, bytes int
		want         string
	}{
		{"", 0, 0, ""},
		{"a\nb\n", 2, 100, "a\nb"},
		{"a\r\n\tb", 5, 100, "a\\r\n→   b"},
		{"a\nb\nc", 2, 100, "a\nb\n… (2 more bytes are not shown)"},
		{"abc\x1bdef", 2, 8, "abc\n… (4 more bytes are not shown)"},
		{"abc", 2, 2, "ab\n… (1 more bytes are not shown)"},
		{"abc", 0, 100, "\n… (3 more bytes are not shown)"},
		{"\u0301a\n\u0301b", 9, 99, "\\u{301}a\n\\u{301}b"},
		{strings.Repeat("\n", 10<<20), 3, 100, "\n\n\n… (10485757 more bytes are not shown)"},
	} {
		if got := visible.Block(c.in, c.lines, c.bytes); got != c.want {
			t.Errorf("Block(%.40q, %d, %d) = %q, want %q", c.in, c.lines, c.bytes, got, c.want)
		}
	}
}

func TestLookalike(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"read_file":                         "",
		"größe naïve Ångström":              "",
		"удалить файл":                      "", // Russian
		"διαγραφή αρχείου":                  "", // Greek
		"日本語のfileを読む":                       "",
		"10 kΩ in 5 μs":                     "",
		"файл.txt":                          "",
		"delete_аll":                        `“аll” mixes Latin and Cyrillic letters: \u{430} looks like a`,
		"rеad":                              `“rеad” mixes Latin and Cyrillic letters: \u{435} looks like e`,
		"files/сору":                        `“сору” is all Cyrillic and reads as "copy"`,
		"ΑΒΕ":                               `“ΑΒΕ” is all Greek and reads as "ABE"`,
		"pαth":                              `“pαth” mixes Latin and Greek letters: \u{3b1} looks like a`,
		"adдmin":                            "“adдmin” mixes Latin and Cyrillic letters",
		"ｒｍ":                                `“ｒｍ”: \u{ff52} looks like r`,
		"/etc⁄passwd":                       `“/etc⁄passwd”: \u{2044} looks like /`,
		"𝐫𝐦":                                `“𝐫𝐦”: \u{1d42b} looks like r`,
		"\u202eevil\u202c \u0455\x1bx sеnd": `“sеnd” mixes Latin and Cyrillic letters: \u{435} looks like e`,
		strings.Repeat("a", 5<<10) + "а":    "", // beyond what is looked at
	} {
		why, found := visible.Lookalike(in)
		if why != want || found != (want != "") {
			t.Errorf("Lookalike(%.40q) = %q, %v, want %q", in, why, found, want)
		}
	}
}

// FuzzVisible: nothing that a terminal obeys or hides comes out, and the bounds hold.
func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J\u202e\u2066a\x00\xff\U000e0041\u200b", "e\u0301\u0301\u0301\u0301\u0301", "a\nb\r\n\tc", "rеad", "\u2028"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		if max > 1<<20 {
			max %= 1 << 20
		}
		line := visible.Line(s, max)
		harmless(t, line, "")
		if n := utf8.RuneCountInString(line); s != "" && n > max && line != "…" {
			t.Errorf("Line(%q, %d) has %d characters", s, max, n)
		}
		if again := visible.Line(line, math.MaxInt); again != line {
			t.Errorf("%q shown again is %q", line, again)
		}
		block := visible.Block(s, 3, max)
		harmless(t, block, "\n")
		if n := strings.Count(block, "\n"); n > 3 || len(block) > len("\n… ( more bytes are not shown)")+20+3+1<<20 {
			t.Errorf("Block(%q, 3, %d) has %d line ends and %d bytes", s, max, n, len(block))
		}
		why, _ := visible.Lookalike(s)
		harmless(t, why, "")
	})
}

// harmless says again, in other words than the code, what must not come out.
func harmless(t *testing.T, s, but string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is no UTF-8", s)
	}
	for _, r := range s {
		if !strings.ContainsRune(but, r) && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Bidi_Control,
			unicode.Variation_Selector, unicode.Noncharacter_Code_Point, unicode.Other_Default_Ignorable_Code_Point) || r != ' ' && unicode.IsSpace(r)) {
			t.Errorf("%q has %U", s, r)
		}
	}
}

func ExampleLine() {
	fmt.Println(visible.Line("delete \u202eelif\u202c\x1b[1A all\nof it", 40))
	// Output: delete \u{202e}elif\u{202c}\u{1b}[1A al…
}
