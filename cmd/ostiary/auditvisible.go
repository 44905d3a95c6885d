package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// visible replaces everything that a terminal would obey or hide by an escape in
// ASCII: control characters (newlines and tabs among them), marks that turn the
// direction of text, what has no width, unusual spaces, private characters and
// bytes that are no UTF-8. Text that is already plain is returned as it is.
func visible(s string) string {
	plain := true
	for _, r := range s {
		if !harmless(r) {
			plain = false
			break
		}
	}
	if plain && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, w := 0, 0; i < len(s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && w == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case harmless(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// harmless reports whether a rune takes its place on the line and does nothing else.
func harmless(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	const blank = 0x2800 // BRAILLE PATTERN BLANK, which looks like a space
	return unicode.IsPrint(r) && r != blank &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

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
		case r == '\n' || harmless(r):
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
