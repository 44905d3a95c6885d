// Package visible shows text of strangers to a person.
//
// # Threat
//
// A tool's name, an argument or a reason holds what a terminal obeys (ANSI
// sequences, carriage returns), what turns or hides text (direction marks, zero
// width, tags), what looks like something else (letters of another alphabet), or
// so much that what matters is not seen. A person then approves something else
// than what is read.
//
// # Promise
//
// What [Line] and [Block] return is printable characters, the ASCII space and, from
// Block, newlines; everything else stands there as an escape in ASCII. Both
// are bounded and say where they were cut. The rows of [Wrap] have a width besides, so
// that a terminal draws none of its own. [Lookalike] tells of letters that
// pose as others.
//
// # What it does not stop
//
// A text may spell an escape itself, so that `\u{7}` can be a character or five of
// them. Letters of right-to-left scripts are printable and may be laid
// out to the left by a terminal that knows how. Lookalike knows the letters that are
// used for it most, not all of Unicode.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mark stands where text was cut.
const mark = "…"

// marksMost is how many combining marks may follow a character; more of them
// draw over the lines around.
const marksMost = 3

// Plain reports whether a rune takes its place on the line and does nothing else.
// It says nothing about combining marks, which depend on what stands before.
func Plain(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	const (
		braille = 0x2800  // BRAILLE PATTERN BLANK looks like a space
		note    = 0x1d159 // MUSICAL SYMBOL NULL NOTEHEAD has no ink
	)
	return unicode.IsPrint(r) && r != braille && r != note &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Line returns s on one line of at most max characters (runes), everything unusual as
// \n, \t, \r, \u{202e} or, for a byte that is no UTF-8, \x{ff}. What is longer ends
// with "…". It reads no more of s than it shows; [math.MaxInt] shows all.
func Line(s string, max int) string {
	if len(s) <= max && plainASCII(s) {
		return s
	}
	var b strings.Builder
	fits := 0 // how much of b leaves room for the mark
	for marks, n := marksMost, 0; s != ""; {
		shown, size := next(s, &marks)
		if n += utf8.RuneCountInString(shown); n > max {
			return b.String()[:fits] + mark
		}
		b.WriteString(shown)
		if n < max {
			fits = b.Len()
		}
		s = s[size:]
	}
	return b.String()
}

// Block returns s on at most maxLines lines and in at most maxBytes bytes. If that
// is not all, one more line says how many bytes are not shown. Newlines stay but
// for the last, a tab becomes an arrow and spaces, the rest is as in [Line].
func Block(s string, maxLines, maxBytes int) string {
	s = strings.TrimSuffix(s, "\n")
	var b strings.Builder
	for marks, lines := marksMost, 1; s != ""; {
		shown, size := next(s, &marks)
		switch s[0] {
		case '\n':
			shown, marks = "\n", marksMost
			lines++
		case '\t':
			shown = "→   "
		}
		if lines > maxLines || b.Len()+len(shown) > maxBytes {
			return b.String() + fmt.Sprintf("\n"+mark+" (%d more bytes are not shown)", len(s))
		}
		b.WriteString(shown)
		s = s[size:]
	}
	return b.String()
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// next returns what stands for the first character of s, and its size there. It
// counts the combining marks in a row; as if there had been too many, none may
// stand first.
func next(s string, marks *int) (string, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		*marks = 0
		return fmt.Sprintf(`\x{%02x}`, s[0]), 1
	}
	if unicode.Is(unicode.M, r) {
		*marks++
	} else {
		*marks = 0
	}
	switch {
	case Plain(r) && *marks <= marksMost:
		return s[:size], size
	case r == '\n':
		return `\n`, size
	case r == '\t':
		return `\t`, size
	case r == '\r':
		return `\r`, size
	}
	return fmt.Sprintf(`\u{%x}`, r), size
}
