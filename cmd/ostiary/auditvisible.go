package main

import (
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"

	show "github.com/ostiary/ostiary/internal/visible"
)

// visible shows all of a text on one line, with everything that a terminal would
// obey or hide as an escape in ASCII.
func visible(s string) string { return show.Line(s, math.MaxInt) }

// escapeJSON writes the harmful runes of a JSON text as \u escapes, which changes
// how it looks and not what it says. Bytes that are no UTF-8 become U+FFFD.
// Outside of strings only white space can be harmful; newlines of it stay.
func escapeJSON(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/16)
	for i, w := 0, 0; i < len(text); i += w {
		var r rune
		r, w = utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && w == 1:
			out = append(out, `\ufffd`...)
		case r == '\n' || show.Plain(r):
			out = append(out, text[i:i+w]...)
		case r == '\t' || r == '\r': // inside of strings they cannot be
			out = append(out, ' ')
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// short cuts text to n runes, with a mark, on one line.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return string(runes[:n-1]) + "…"
}
