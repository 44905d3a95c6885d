package redact

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/swar"
	"github.com/ostiary/ostiary/redact/scan"
)

// secret is something that was found: the bytes of a text that hold it, and what it
// is when everything is decoded.
type secret struct {
	start, end int
	rule       string
	plain      string // borrowed
}

// undo appends s without the encoding of a view, and notes where that is something else.
func (v view) undo(dst []byte, s string) (_ []byte, p patches) {
	dst = slices.Grow(dst, len(s))
	base := len(dst)
	for i := 0; i < len(s); {
		n := strings.IndexByte(s[i:], v.mark)
		if n < 0 {
			return append(dst, s[i:]...), p
		}
		dst = append(dst, s[i:i+n]...)
		i += n
		at, used := len(dst), 0
		if dst, used = v.decode(dst, s[i:]); used != len(dst)-at { // each is longer than what it stands for
			p.note(i, i+used, at-base, len(dst)-base)
		}
		i += used
	}
	return dst, p
}

// visible appends s without what is hidden in it, and notes where that was.
func visible(dst []byte, s string) (_ []byte, p patches) {
	return visibleIn(dst, s, []scan.Span{{From: 0, To: len(s)}})
}

// visibleIn does so where something may be hidden in no other parts of s. What can be seen
// is passed over eight bytes at once where it is ASCII.
func visibleIn(dst []byte, s string, parts []scan.Span) (_ []byte, p patches) {
	dst = slices.Grow(dst, len(s))
	base, from, i := len(dst), 0, 0
	for _, x := range parts {
		for i = max(i, x.From); i < x.To; {
			if i = swar.NextOdd(s[:x.To], i); i == x.To {
				break
			}
			n := hiddenAt(s, i)
			if n == 0 {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			p.note(i, i+n, len(dst)-base, len(dst)-base)
			i += n
			from = i
		}
	}
	return append(dst, s[from:]...), p
}

// spaced appends s with a blank for each plus sign in what a form may send: what holds
// percent signs, and no blanks. It notes where they are.
func spaced(dst []byte, s string) (_ []byte, p patches) {
	base := len(dst)
	dst = append(dst, s...)
	for i, end := 0, 0; ; {
		n := strings.IndexByte(s[i:], '%')
		if n < 0 {
			return dst, p
		}
		at := i + n
		if i = at + 1; len(s) < at+3 {
			return dst, p
		}
		if _, ok := hexValue(s[at+1 : at+3]); !ok {
			continue
		}
		from := at
		for from > end && !endsForm(s[from-1]) {
			from--
		}
		for end = at; end < len(s) && !endsForm(s[end]); end++ {
		}
		for i = from; i < end; i++ {
			if s[i] == '+' {
				dst[base+i] = ' '
				p.note(i, i+1, i, i+1)
			}
		}
	}
}

// endsForm reports whether a byte stands in nothing that a form sends, and neither in an
// address.
func endsForm(c byte) bool { return c <= ' ' || c == '"' || c == '<' || c == '>' || c == '\\' }
