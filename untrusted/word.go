package untrusted

import (
	"unicode"
	"unicode/utf8"
)

// word is which alphabets the letters of a word so far are of.
type word uint8

const (
	wordOther word = 1 << iota // letters that nobody takes for others
	wordLatin
	wordAlike // letters of Greek, Cyrillic, Armenian or Cherokee that look like Latin ones
)

// mixed reports whether a word has Latin letters and others that look like them.
func (w word) mixed() bool { return w&wordLatin != 0 && w&wordAlike != 0 }

// ends reports whether a character does not belong to the word before it.
func (word) ends(r rune) bool {
	if r < utf8.RuneSelf {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	if r >= 0x3041 && r <= 0xd7a3 { // of East Asia, where words have no ends
		return false
	}
	if r >= 0x388 && r < 0x530 { // Greek and Cyrillic
		return r == 0x3f6 || r == 0x482
	}
	return r < 0xc0 || r >= 0x300 && !unicode.In(r, unicode.L, unicode.M, unicode.N)
}

func (w *word) add(r rune) {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= 0xc0 && r < 0x250:
		*w |= wordLatin
	case r < 0x370:
	case r >= 0xff21 && r <= 0xff5a, r >= 0x1d400 && r <= 0x1d7ff: // wide and mathematical letters
		*w |= wordOther
	case looksLatin(r):
		*w |= wordAlike
	default:
		*w |= wordOther
	}
}

// begin is the word at the end of a text in ASCII.
func (w *word) begin(s string) {
	for i := len(s) - 1; i >= 0 && !w.ends(rune(s[i])); i-- {
		w.add(rune(s[i]))
	}
}

// looksLatin reports whether a letter of another alphabet looks like a Latin one in
// most fonts (Unicode Technical Standard 39, confusables; those of one letter in
// upright type).
func looksLatin(r rune) bool {
	if r < alikeFirst || r > alikeLast {
		return r >= 0x13a0 && r <= 0x13f4 // Cherokee
	}
	return alike[(r-alikeFirst)/64]&(1<<((r-alikeFirst)%64)) != 0
}

const (
	alikeFirst, alikeLast = 0x370, 0x5ff
	alikeLetters          = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορσυϲϳϹЅІЈАВЕКМНОРСТХаеорсухѕіјѴѵҮүһӀ" +
		"ӏԁԌԚԛԜԝՍՕազհոսցօ"
)

// alike are the alikeLetters, a bit each. It is never written to.
var alike = func() (set [(alikeLast - alikeFirst + 64) / 64]uint64) {
	for _, r := range alikeLetters {
		set[(r-alikeFirst)/64] |= 1 << ((r - alikeFirst) % 64)
	}
	return set
}()
