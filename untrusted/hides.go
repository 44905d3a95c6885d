package untrusted

import (
	"unicode"
	"unicode/utf8"
)

// Numbers of characters (The Unicode Standard, 17.0).
const (
	tagFirst, tagLast             = 0xe0000, 0xe007f
	selectorFirst, selectorLast   = 0xfe00, 0xfe0f
	selector2First, selector2Last = 0xe0100, 0xe01ef
	zeroWidthSpace                = 0x200b
	zeroWidthNonJoiner            = 0x200c
	zeroWidthJoiner               = 0x200d
	leftToRightMark               = 0x200e
	rightToLeftMark               = 0x200f
	arabicLetterMark              = 0x061c
	blackFlag                     = 0x1f3f4
	keycap                        = 0x20e3
	byteOrderMark                 = 0xfeff
)

// hides is what kind of hiding a character does where it stands; 0 is none.
func (v *revealer) hides(r rune, size, at int) Hidden {
	switch {
	case r < utf8.RuneSelf:
		if r == '\r' && at+1 < len(v.s) && v.s[at+1] == '\n' {
			return 0
		}
		if r >= ' ' && r != 0x7f || r == '\n' || r == '\t' {
			return 0
		}
		return HiddenControls
	case r == utf8.RuneError && size == 1:
		return HiddenControls
	case r < 0xa0:
		return HiddenControls
	case r < 0x300 && r != 0xad, r >= 0x370 && r < 0x600: // letters of Latin, Greek, Cyrillic, Hebrew
		return 0
	}
	if r > 0x3164 && r < 0xfdd0 || !unicode.Is(invisible, r) && !nonCharacter(r) {
		return 0
	}
	switch {
	case r >= tagFirst && r <= tagLast:
		if v.flag(at) {
			return 0
		}
		return HiddenTags
	case r >= selectorFirst && r <= selectorLast, r >= selector2First && r <= selector2Last, r >= 0x180b && r <= 0x180f:
		if v.varies(r) {
			return 0
		}
		return HiddenVariants
	case r == byteOrderMark && at == 0: // as files of some systems begin
		return 0
	case r == zeroWidthSpace && unicode.In(v.last, unspaced...) && unicode.In(v.after(at+size), unspaced...):
		return 0
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		if v.joins(r, v.after(at+size)) {
			return 0
		}
		return HiddenZeroWidth
	case r == leftToRightMark, r == rightToLeftMark, r == arabicLetterMark:
		if rightToLeft(v.last) || rightToLeft(v.after(at+size)) {
			return 0
		}
		return HiddenDirection
	case unicode.Is(signs, r) && v.signs(r, at, at+size):
		return 0
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return HiddenDirection
	}
	return HiddenZeroWidth
}

// invisible is what may hide; hides says where it does.
var invisible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00ad, 0x00ad, 1}, {0x034f, 0x034f, 1}, {0x0600, 0x0605, 1}, {0x061c, 0x061c, 1}, {0x06dd, 0x06dd, 1}, {0x070f, 0x070f, 1},
		{0x0890, 0x0891, 1}, {0x08e2, 0x08e2, 1}, {0x115f, 0x1160, 1}, {0x17b4, 0x17b5, 1},
		{0x180b, 0x180f, 1}, {0x200b, 0x200f, 1}, {0x2028, 0x202e, 1}, {0x2060, 0x206f, 1}, {0x2800, 0x2800, 1},
		{0x3164, 0x3164, 1}, {0xfe00, 0xfe0f, 1}, {0xfeff, 0xfeff, 1}, {0xffa0, 0xffa0, 1}, {0xfff0, 0xfffb, 1},
	},
	R32: []unicode.Range32{
		{0x110bd, 0x110bd, 1}, {0x110cd, 0x110cd, 1}, {0x13430, 0x13438, 1},
		{0x1bca0, 0x1bca3, 1}, {0x1d159, 0x1d159, 1}, {0x1d173, 0x1d17a, 1}, {0xe0000, 0xe0fff, 1}, {0xf0000, 0x10ffff, 1},
	},
	LatinOffset: 1,
}

// signs are those of a writing that a font shows beside it only.
var signs = &unicode.RangeTable{
	R16: []unicode.Range16{{0x0600, 0x0605, 1}, {0x06dd, 0x06dd, 1}, {0x070f, 0x070f, 1}, {0x0890, 0x0891, 1}, {0x08e2, 0x08e2, 1}},
	R32: []unicode.Range32{{0x110bd, 0x110bd, 1}, {0x110cd, 0x110cd, 1}, {0x13430, 0x13438, 1}},
}

// signsFar is how far from its writing a sign may stand: behind a space, or others.
const signsFar = 4

// signs reports whether a sign stands beside its writing.
func (v *revealer) signs(sign rune, at, end int) bool {
	var script *unicode.RangeTable
	switch {
	case sign == 0x70f:
		script = unicode.Syriac
	case sign < 0x1000:
		script = unicode.Arabic
	case sign < 0x13000:
		script = unicode.Kaithi
	default:
		script = unicode.Egyptian_Hieroglyphs
	}
	for n, i := 0, at; n < signsFar && i > 0; n++ {
		r, size := utf8.DecodeLastRuneInString(v.s[:i])
		if written(r, script) {
			return true
		}
		if i -= size; r != ' ' && !unicode.Is(signs, r) {
			break
		}
	}
	for n, i := 0, end; n < signsFar && i < len(v.s); n++ {
		r, size := utf8.DecodeRuneInString(v.s[i:])
		if written(r, script) {
			return true
		}
		if i += size; r != ' ' && !unicode.Is(signs, r) {
			break
		}
	}
	return false
}

// written reports whether a character of a writing shows.
func written(r rune, script *unicode.RangeTable) bool {
	if script == unicode.Arabic && r >= 0x660 && r <= 0x669 { // digits that others use too
		return true
	}
	return unicode.Is(script, r) && unicode.In(r, unicode.L, unicode.M, unicode.N)
}

// nonCharacter reports whether a number is none of a character, and never will be.
func nonCharacter(r rune) bool { return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef }

// after is the character at a place, 0 at the end.
func (v *revealer) after(at int) rune {
	if at >= len(v.s) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(v.s[at:])
	return r
}

// joins reports whether a joiner stands where writing has one: between parts of an
// emoji, and between letters of a writing that joins.
func (v *revealer) joins(r, next rune) bool {
	if r == zeroWidthJoiner && emoji(next) && (emoji(v.last) || v.last >= selectorFirst && v.last <= selectorLast) {
		return true
	}
	return unicode.In(v.last, joining...) && unicode.In(next, joining...) && !unicode.Is(signs, next)
}

var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
	unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Myanmar, unicode.Khmer, unicode.Tibetan,
}

// unspaced are writings without spaces, where a zero-width one says where a line may end.
var unspaced = []*unicode.RangeTable{unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// varies reports whether a variation selector stands behind what has variants.
func (v *revealer) varies(r rune) bool {
	switch {
	case r >= 0x180b && r <= 0x180f:
		return unicode.Is(unicode.Mongolian, v.last)
	case r >= selector2First:
		return unicode.Is(unicode.Han, v.last)
	}
	return emoji(v.last) || unicode.In(v.last, unicode.S, unicode.Han, unicode.Mongolian, unicode.Myanmar) ||
		v.last >= '0' && v.last <= '9' || v.last == '#' || v.last == '*'
}

// emoji reports whether a character is one or a part of one.
func emoji(r rune) bool {
	switch {
	case r >= 0x1f000 && r <= 0x1faff, r >= 0x2600 && r <= 0x27bf, r >= 0x2190 && r <= 0x21ff, r >= 0x2b00 && r <= 0x2bff, r >= 0x2300 && r <= 0x23ff:
		return true
	}
	return r == 0xa9 || r == 0xae || r == 0x203c || r == 0x2049 || r == 0x2122 || r == 0x2139 || r == keycap || r == 0x3030 || r == 0x303d || r == 0x3297 || r == 0x3299
}

func rightToLeft(r rune) bool {
	if nonCharacter(r) || unicode.Is(signs, r) {
		return false
	}
	return r >= 0x590 && r <= 0x8ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfefc || r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
}

// flags are the three that are spelt with tags, as fonts show them. It is never written
// to.
var flags = func() (spelt [3]string) {
	for i, name := range [...]string{"gbeng", "gbsct", "gbwls"} {
		flag := []rune{blackFlag}
		for _, c := range name {
			flag = append(flag, tagFirst+c)
		}
		spelt[i] = string(append(flag, tagLast))
	}
	return spelt
}()

// flag reports whether the tag character at a place is part of such a flag.
func (v *revealer) flag(at int) bool {
	for _, whole := range &flags {
		for back := 4; back < len(whole); back += 4 { // each of its characters has four bytes
			if begin := at - back; begin >= 0 && begin+len(whole) <= len(v.s) && v.s[begin:begin+len(whole)] == whole {
				return true
			}
		}
	}
	return false
}
