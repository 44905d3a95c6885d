package detect

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// view is a piece of a text as it is read: with the characters removed that take no
// room, and those replaced that are drawn like ASCII.
type view struct {
	text []byte
	// base is where the piece begins in the whole text.
	base int
	// at are the places in the piece of each byte of text and of its end; nil where
	// nothing was changed.
	at []int32
	// tags says that there were letters which no font shows.
	tags bool
}

// place is where byte i of the view stands in the whole text.
func (v *view) place(i int) int {
	if v.at == nil {
		return v.base + i
	}
	return v.base + int(v.at[i])
}

// disguised reports whether the word at [start, end) was written otherwise.
func (v *view) disguised(start, end int) bool {
	return v.at != nil && int(v.at[end-1]-v.at[start]) != end-1-start
}

const highBits = 0x8080808080808080

// ascii64 reports whether the first 64 bytes are ASCII.
func ascii64(b []byte) bool {
	b = b[:64]
	x := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) | binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
	y := binary.LittleEndian.Uint64(b[32:]) | binary.LittleEndian.Uint64(b[40:]) | binary.LittleEndian.Uint64(b[48:]) | binary.LittleEndian.Uint64(b[56:])
	return (x|y)&highBits == 0
}

// poses reports whether a piece may hold a character that is folded. It looks at
// first bytes only.
func poses(s []byte) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x80:
			for i+65 <= len(s) && ascii64(s[i+1:i+65]) {
				i += 64
			}
			for i+9 <= len(s) && binary.LittleEndian.Uint64(s[i+1:])&highBits == 0 {
				i += 8
			}
		case c == 0xe2: // 2000 to 2fff: most are dashes and quotes
			if i+2 >= len(s) || s[i+1] == 0x81 || s[i+1] == 0x80 && (s[i+2] < 0x90 || s[i+2] > 0xa6) || s[i+1] == 0x92 || s[i+1] == 0x93 {
				return true
			}
		case c == 0xc2:
			if i+1 < len(s) && (s[i+1] == 0xad || s[i+1] == 0xa0) {
				return true
			}
		case c >= 0xcc && c <= 0xd5, c == 0xef, c == 0xf0 && i+1 < len(s) && s[i+1] == 0x9d, c == 0xf3, c == 0xe1:
			return true
		}
	}
	return false
}

// folder holds the room of a view; it is used again.
type folder struct {
	out []byte
	at  []int32
}

// view reads a piece of a text that begins at base.
func (f *folder) view(piece []byte, base int) view {
	if !poses(piece) {
		return view{text: piece, base: base}
	}
	v := view{base: base}
	f.out, f.at = slices.Grow(f.out[:0], len(piece)), slices.Grow(f.at[:0], len(piece)+1)
	out, at := f.out[:len(piece)], f.at[:len(piece)+1] // what is drawn is never longer
	changed, n := false, 0
	for i := 0; i < len(piece); {
		c := piece[i]
		if c < utf8.RuneSelf {
			out[n], at[n] = c, int32(i)
			i, n = i+1, n+1
			continue
		}
		if c >= 0xce && c <= 0xd5 && i+1 < len(piece) && piece[i+1]&0xc0 == 0x80 { // Greek and Cyrillic, as most that is folded
			at[n], at[n+1] = int32(i), int32(i+1)
			if to := alike[int(c&0x1f)<<6+int(piece[i+1]&0x3f)-alikeFirst]; to != 0 {
				out[n] = to
				n, changed = n+1, true
			} else {
				out[n], out[n+1] = c, piece[i+1]
				n += 2
			}
			i += 2
			continue
		}
		r, size := utf8.DecodeRune(piece[i:])
		switch to := folded(r); {
		case to == gone:
			changed = true
		case to != 0:
			if r >= 0xe0000 {
				v.tags = true
			}
			out[n], at[n] = to, int32(i)
			n, changed = n+1, true
		default:
			for k := range size {
				out[n], at[n] = piece[i+k], int32(i+k)
				n++
			}
		}
		i += size
	}
	if !changed {
		return view{text: piece, base: base}
	}
	at[n] = int32(len(piece))
	v.text, v.at = out[:n], at[:n+1]
	return v
}

// gone is what folded says of a character that takes no room.
const gone = 0xff

// folded is the ASCII character that r is drawn like, gone, or 0.
func folded(r rune) byte {
	switch {
	case r < 0xa0:
	case r == 0xa0:
		return ' '
	case r == 0xad, r >= 0x300 && r < 0x370, r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x180e,
		r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
		r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff, r >= 0xe0100 && r <= 0xe01ef, r == 0xe0001, r == 0xe007f:
		return gone
	case r >= alikeFirst && r < alikeEnd:
		return alike[r-alikeFirst]
	case r >= 0x2000 && r <= 0x200a, r == 0x202f, r == 0x205f, r == 0x3000:
		return ' '
	case r >= 0x249c && r <= 0x24b5: // in parentheses
		return byte('a' + r - 0x249c)
	case r >= 0x24b6 && r <= 0x24e9: // in circles
		return byte('a' + (r-0x24b6)%26)
	case r >= 0xff01 && r <= 0xff5e: // full width
		return byte(r - 0xff01 + '!')
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical alphabets, capitals and small letters in turn
		return byte('a' + (r-0x1d400)%26)
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return byte('0' + (r-0x1d7ce)%10)
	case r >= 0xe0020 && r <= 0xe007e: // tags
		return byte(r - 0xe0000)
	}
	return 0
}

const alikeFirst, alikeEnd = 0x370, 0x590

// alike are the Latin letters that those of Greek, Cyrillic and Armenian are drawn
// like (Unicode Technical Standard 39, confusables, upright type). It is never
// written to.
var alike = func() (table [alikeEnd - alikeFirst]byte) {
	const (
		from = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυϲϳЅІЈАВЕКМНОРСТХаеорсухѕіјһӏԁԛԝүՍհոսցօ"
		to   = "ABEZHIKMNOPTYXaiknopucjSIJABEKMHOPCTXaeopcyxsijhldqwyUhnugo"
	)
	i := 0
	for _, r := range from {
		table[r-alikeFirst] = to[i]
		i++
	}
	return table
}()
