package redact

import (
	"encoding/binary"
	"strings"
)

// Bounds of what is looked at as base64 (RFC 4648, both alphabets).
const (
	leastRun    = 24 // characters: fewer hold no secret that a rule finds
	leastGroups = 4  // in a row that decode to ASCII, as secrets do
	mostGap     = 16 // groups of other characters within a text
	leastLine   = 20 // characters of a line that one as long continues
	longLine    = 60 // and of one that any other continues
)

// sextets are the values of base64's characters, and 0xff for all others.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// asciiBits say of a character for each place in a group whether it can stand there
// in what decodes to ASCII: bit 0 for the first, 1 for the second, 2 for the third;
// 0 for what is no base64.
var asciiBits = func() (t [256]byte) {
	for c, v := range sextets {
		if v == 0xff {
			continue
		}
		t[c] = 8 // base64 at all
		if v&0x20 == 0 {
			t[c] |= 1
		}
		if v&0x08 == 0 {
			t[c] |= 2
		}
		if v&0x02 == 0 {
			t[c] |= 4
		}
	}
	return t
}()

// hasText reports whether a run holds leastGroups groups in a row that decode to
// ASCII, wherever they begin.
func hasText(chars string) bool {
	const groups = 1<<0 | 1<<4 | 1<<8 | 1<<12 // leastGroups of them
	ends := uint32(0)                         // bit n: a group ends n characters before
	first, second := byte(0), byte(0)
	for i := range len(chars) {
		b := asciiBits[chars[i]]
		ends = ends<<1 | uint32(first&(second>>1)&(b>>2)&1)
		if ends&groups == groups {
			return true
		}
		first, second = second, b
	}
	return false
}

// nextRun finds the next run of base64 from a place on, of at least leastRun characters
// or of several lines, and whether it holds text as hasText has it. It goes on to the first
// that begins at until, and not much further. It looks at eight bytes of sixteen: of a run
// eight such lie side by side, and of two lines those of one do.
func nextRun(s string, from, until int) (start, end int, text, ok bool) {
	raw := lend(s[:min(len(s), until+3*8)])
	for i := from; i+8 <= len(raw); i += 16 {
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
				i = end + 1 - 16 // the byte at end is none
				continue
			}
		}
		return start, end, hasText(s[start:end]), true
	}
	return 0, 0, false, false
}

// firstLine is the first of several lines as long, of which a run is one; false if it is
// none.
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

// stretches calls each for every part of a run that decodes to text, wherever its
// groups of four begin: the run may be glued to something else. each reports whether
// to go on.
func stretches(chars string, each func(start, end int) bool) {
	// What there is so far, by where groups begin: ASCII groups in a row, the most of
	// them, where the part begins (-1 if there is none), other groups behind it.
	var row, most, begin, gap [4]int
	begin = [4]int{-1, -1, -1, -1}
	for i := 0; i <= len(chars); i++ {
		k := i & 3
		last := i+4 > len(chars)
		if !last && asciiGroup(chars[i:i+4]) {
			if begin[k] < 0 {
				begin[k], most[k] = i, 0
			}
			row[k]++
			most[k], gap[k] = max(most[k], row[k]), 0
			continue
		}
		row[k] = 0
		if begin[k] < 0 {
			continue
		}
		if gap[k]++; !last && gap[k] <= mostGap {
			continue
		}
		end := i - 4*(gap[k]-1)
		if last {
			end = len(chars) // the last group may be cut
		}
		if most[k] >= leastGroups && !each(begin[k], end) {
			return
		}
		begin[k] = -1
	}
}

// asciiGroup reports whether the three bytes of a group are below 0x80.
func asciiGroup(g string) bool {
	return asciiBits[g[0]]&1 != 0 && asciiBits[g[1]]&2 != 0 && asciiBits[g[2]]&4 != 0
}

// decodeGroups decodes whole groups and the bytes of a last one that is cut.
func decodeGroups(dst []byte, s string) []byte {
	for ; len(s) >= 4; s = s[4:] {
		n := uint32(sextets[s[0]])<<18 | uint32(sextets[s[1]])<<12 | uint32(sextets[s[2]])<<6 | uint32(sextets[s[3]])
		dst = append(dst, byte(n>>16), byte(n>>8), byte(n))
	}
	if len(s) >= 2 {
		dst = append(dst, sextets[s[0]]<<2|sextets[s[1]]>>4)
	}
	if len(s) == 3 {
		dst = append(dst, sextets[s[1]]<<4|sextets[s[2]]>>2)
	}
	return dst
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
