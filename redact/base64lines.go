package redact

import (
	"encoding/binary"
	"strings"
)

// stride is how far it is from one place that nextRun looks at to the next: a run of
// leastLine characters holds all of one such place, which is eight bytes.
const stride = leastLine - 8 + 1

// nextRun finds the next run of base64 from a place on, of at least leastRun characters
// or of several lines, and whether it holds text as hasText has it. It goes on to the first
// that begins at until, and not much further.
func nextRun(s string, from, until int) (start, end int, text, ok bool) {
	raw := lend(s[:min(len(s), until+stride+8)])
	for i := from; i+8 <= len(raw); i += stride {
		w := binary.LittleEndian.Uint64(raw[i:])
		if (w|(w-'+'*ones)&^w)&highs != 0 || asciiBits[byte(w)] == 0 || asciiBits[w>>56] == 0 || asciiBits[byte(w>>32)] == 0 {
			continue // there is a blank, most likely
		}
		for start = i; start > from && asciiBits[s[start-1]] != 0; start-- {
		}
		for end = i + 1; end < len(s) && asciiBits[s[end]] != 0; end++ {
		}
		if end-start < leastRun {
			if start, end, ok = firstLine(s, from, start, end); !ok {
				i = end + 1 - stride // go on behind end, which is no base64
				continue
			}
		}
		return start, end, hasText(s[start:end]), true
	}
	return 0, 0, false, false
}

// firstLine is the first of several lines as long, of which a run is one, without its
// break; false if it is none. It may begin with the letter of an escape, as the run may.
func firstLine(s string, from, start, end int) (int, int, bool) {
	begin := lineBegin(s, start)
	size := end - begin
	if size < leastLine {
		return start, end, false
	}
	for several := continues(s, begin, end); ; several = true {
		stop := breakBegin(s, from, begin)
		first := stop
		for first > from && stop-first <= size && sextets[s[first-1]] != 0xff {
			first--
		}
		if begin = lineBegin(s, first); stop-begin != size || !continues(s, begin, stop) {
			return start, end, several
		}
		start, end = first, stop
	}
}

// breakBegin is where the break of a line begins behind which another one begins at i.
func breakBegin(s string, from, i int) int {
	for i > from {
		switch c := s[i-1]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\\':
			i--
		case i-1 > from && s[i-2] == '\\' && strings.IndexByte("nrt", c) >= 0:
			i -= 2
		default:
			return i
		}
	}
	return i
}

// continues reports whether a line as long follows on s[start:end].
func continues(s string, start, end int) bool {
	if end-start < leastLine {
		return false
	}
	gap := breakAt(s, end)
	if gap == 0 {
		return false
	}
	next := end + gap + end - start
	if next > len(s) || next < len(s) && sextets[s[next]] != 0xff {
		return false
	}
	for i := end + gap; i < next; i++ {
		if sextets[s[i]] == 0xff {
			return false
		}
	}
	return true
}

// breakAt is how much of s from i on breaks a line: white space, and the escapes for it
// in a text that is itself JSON, however often it was quoted.
func breakAt(s string, i int) int {
	from := i
	for i < len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
			i++
			continue
		}
		letter := i
		for letter < len(s) && s[letter] == '\\' {
			letter++
		}
		if letter == i || letter == len(s) || strings.IndexByte("nrt", s[letter]) < 0 {
			break
		}
		i = letter + 1
	}
	return i - from
}

// lineBegin is where the line begins that a run from start on is: not with the letter
// of an escape.
func lineBegin(s string, start int) int {
	if start > 0 && s[start-1] == '\\' && strings.IndexByte("nrt", s[start]) >= 0 {
		return start + 1
	}
	return start
}

// lines is one run of base64 that may go over several lines: s[start:end] without
// the line breaks is run.
type lines struct {
	start, end int
	chars      string
	broken     bool
}

// wholeRun adds to the run s[start:end] the lines that continue it. What it joins
// is appended to arena.
func wholeRun(arena []byte, s string, start, end int) (lines, []byte) {
	b := lines{start: start, end: end, chars: s[start:end]}
	line, from := lineBegin(s, start), len(arena)
	for more := end-line >= leastLine; more; {
		next, long := end+breakAt(s, end), end-line
		if next == end || next == len(s) || sextets[s[next]] == 0xff {
			break
		}
		stop := next
		for stop < len(s) && sextets[s[stop]] != 0xff {
			stop++
		}
		size := stop - next
		if long < longLine && size != long && (!b.broken || size > long) {
			break
		}
		more = size >= longLine || size == long // else it is the last
		if !b.broken {
			arena, b.broken = append(arena, s[start:end]...), true
		}
		line, end = next, stop
		arena = append(arena, s[line:end]...)
	}
	if b.broken {
		b.end, b.chars = end, borrow(arena[from:])
	}
	return b, arena
}

// place moves secrets, found in what a part of the run that begins at start decodes
// to, to the characters in s that hold them: whole groups, and the padding with the
// last one.
func (b lines) place(s string, start int, found []secret) {
	for i := range found {
		p := &found[i]
		p.start = start + p.start/3*4
		p.end = min(start+(p.end+2)/3*4, len(b.chars))
	}
	if b.broken {
		back(s[b.start:b.end], found, view{0, func(dst []byte, s string) ([]byte, int) {
			if sextets[s[0]] == 0xff {
				return dst, max(1, breakAt(s, 0))
			}
			return append(dst, s[0]), 1
		}})
	}
	for i := range found {
		p := &found[i]
		p.start, p.end = b.start+p.start, b.start+p.end
		if p.end == b.end {
			p.end += padding(s[p.end:])
		}
	}
}

// padding is how much of what s begins with fills the last group.
func padding(s string) int {
	n := 0
	for n < 2 && n < len(s) && s[n] == '=' {
		n++
	}
	return n
}
