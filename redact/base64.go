package redact

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
