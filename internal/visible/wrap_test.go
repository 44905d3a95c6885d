package visible_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/visible"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		e    visible.Extent
		want []visible.Row
		left int
	}{
		{"", visible.Extent{Columns: 4, Rows: 2, Bytes: 99}, []visible.Row{{}}, 0},
		{"ab\ncd\n", visible.Extent{Columns: 4, Rows: 2, Bytes: 99}, []visible.Row{{Text: "ab"}, {Text: "cd"}}, 0},
		{"abcdef", visible.Extent{Columns: 4, Rows: 2, Bytes: 99}, []visible.Row{{Text: "abcd"}, {"ef", true}}, 0},
		{"漢字漢", visible.Extent{Columns: 4, Rows: 2, Bytes: 99}, []visible.Row{{Text: "漢字"}, {"漢", true}}, 0},
		{"a漢字漢", visible.Extent{Columns: 4, Rows: 2, Bytes: 99}, []visible.Row{{Text: "a漢"}, {"字漢", true}}, 0},
		{"e\u0301e\u0301e", visible.Extent{Columns: 2, Rows: 2, Bytes: 99}, []visible.Row{{Text: "e\u0301e\u0301"}, {"e", true}}, 0},
		{"ab\x1bc", visible.Extent{Columns: 7, Rows: 2, Bytes: 99}, []visible.Row{{Text: "ab"}, {`\u{1b}c`, true}}, 0},
		{"\x1b", visible.Extent{Columns: 2, Rows: 2, Bytes: 99}, []visible.Row{{Text: `\u{1b}`}}, 0},
		{"a    b     c", visible.Extent{Columns: 40, Rows: 2, Bytes: 99}, []visible.Row{{Text: "a    b␣×5c"}}, 0},
		{"      a\n" + strings.Repeat(" ", 33) + "b\n     \n", visible.Extent{Columns: 40, Rows: 9, Bytes: 99}, []visible.Row{{Text: "      a"}, {Text: "␣×33b"}, {Text: "␣×5"}}, 0},
		{"a\tb", visible.Extent{Columns: 40, Rows: 9, Bytes: 99}, []visible.Row{{Text: "a→   b"}}, 0},
		{"a\nb\nc", visible.Extent{Columns: 40, Rows: 2, Bytes: 99}, []visible.Row{{Text: "a"}, {Text: "b"}}, 2},
		{"abcdefghi", visible.Extent{Columns: 4, Rows: 2, Bytes: 99}, []visible.Row{{Text: "abcd"}, {"efgh", true}}, 1},
		{"abcdef", visible.Extent{Columns: 4, Rows: 9, Bytes: 5}, []visible.Row{{Text: "abcd"}, {"e", true}}, 1},
		{"abc", visible.Extent{Columns: 4}, nil, 3},
		{"one two three", visible.Extent{Columns: 9, Rows: 9, Bytes: 99, Words: true}, []visible.Row{{Text: "one two"}, {"three", true}}, 0},
		{"four five", visible.Extent{Columns: 4, Rows: 9, Bytes: 99, Words: true}, []visible.Row{{Text: "four"}, {"five", true}}, 0},
		{"one longer ab", visible.Extent{Columns: 8, Rows: 9, Bytes: 99, Words: true}, []visible.Row{{Text: "one"}, {"longer", true}, {"ab", true}}, 0},
	} {
		rows, left := visible.Wrap(c.in, c.e)
		if !reflect.DeepEqual(rows, c.want) || left != c.left {
			t.Errorf("Wrap(%q, %+v) = %+v, %d, want %+v, %d", c.in, c.e, rows, left, c.want, c.left)
		}
	}
	if got := visible.Spaces("a     b    c" + strings.Repeat(" ", 74)); got != "a␣×5b    c␣×74" {
		t.Errorf("got %q", got)
	}
}

func TestLookalikes(t *testing.T) {
	pad := strings.Repeat("lorem ipsum ", 1000)
	for in, want := range map[string]string{
		"notes.txt":                "",
		"файл.txt":                 "",
		"n\u043etes.txt":           `“nоtes” mixes Latin and Cyrillic letters: \u{43e} looks like o; written out: n\u{43e}tes.txt`,
		pad + "/etc/p\u0430sswd":   `“pаsswd” mixes Latin and Cyrillic letters: \u{430} looks like a; written out: /etc/p\u{430}sswd`,
		pad + "ü " + pad + "rеad":  `“rеad” mixes Latin and Cyrillic letters: \u{435} looks like e; written out: r\u{435}ad`,
		strings.Repeat("é ", 9999): "",
	} {
		why, found := visible.Lookalikes(in)
		if !strings.HasSuffix(why, want) || found != (want != "") || (want == "") != (why == "") {
			t.Errorf("Lookalikes(%.40q) = %q, %v, want %q", in, why, found, want)
		}
	}
	if got := visible.Escaped("a\u043e\x1b\xff漢", 99); got != `a\u{43e}\u{1b}\u{fffd}\u{6f22}` {
		t.Errorf("got %q", got)
	}
}

// FuzzWrap: no row is wider than asked for, and what is not left out is there.
func FuzzWrap(f *testing.F) {
	f.Add("abc def\n\tghi          x", 10, 3)
	f.Add("漢字\x1b\u202e\u0301", 6, 9)
	f.Fuzz(func(t *testing.T, s string, columns, rows int) {
		if columns < 12 || columns > 200 || rows > 1000 {
			return
		}
		got, left := visible.Wrap(s, visible.Extent{Columns: columns, Rows: rows, Bytes: 1 << 16})
		if len(got) > max(rows, 0) || left > len(s) || left < 0 {
			t.Fatalf("%q: %d rows, %d left", s, len(got), left)
		}
		for _, r := range got {
			harmless(t, r.Text, "")
			if n := len([]rune(r.Text)); n > 4*columns+4 || strings.Contains(strings.TrimLeft(r.Text, " "), "         ") {
				t.Errorf("%q: row %q", s, r.Text)
			}
			if ascii := strings.IndexFunc(r.Text, func(r rune) bool { return r >= 0x80 }) < 0; ascii && len(r.Text) > columns {
				t.Errorf("%q: row %q is wider than %d", s, r.Text, columns)
			}
		}
	})
}
