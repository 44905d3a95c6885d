package visible

import (
	"fmt"
	"strings"
	"unicode"
)

// Lookalike reports whether s has letters that pose as others, and says which: a
// Latin word with letters of other alphabets in it, a word of another alphabet
// that reads as a Latin one, or signs that look like ASCII. It looks at the first
// 4096 bytes. The answer is plain text on one line.
func Lookalike(s string) (why string, found bool) {
	s = s[:min(len(s), lookBytes)]
	for _, r := range s {
		if as := poses(r); as != 0 {
			return fmt.Sprintf(`%s: \u{%x} looks like %c`, quoted(s), r, as), true
		}
	}
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }
	for word := range strings.FieldsFuncSeq(s, apart) {
		if why := mixed(word); why != "" {
			return why, true
		}
	}
	return "", false
}

const lookBytes = 4 << 10

// Lookalikes is Lookalike for a text that may be long: it looks at all of it, and adds
// what stands around the letter, all that is not ASCII written out.
func Lookalikes(s string) (why string, found bool) {
	for rest := s; rest != ""; {
		i := strings.IndexFunc(rest, func(r rune) bool { return r >= 0x80 })
		if i < 0 {
			return "", false
		}
		// From the word in which it stands, so that no word is cut at its beginning.
		if i = strings.LastIndexFunc(rest[:i], unicode.IsSpace) + 1; i > 0 {
			rest = rest[i:]
		}
		part := rest[:min(len(rest), lookBytes)]
		if why, found := Lookalike(part); found {
			return why + "; written out: " + around(part), true
		}
		next := len(part)
		if next < len(rest) { // the last word may go on
			if n := strings.LastIndexFunc(part, unicode.IsSpace); n > 0 {
				next = n + 1
			}
		}
		rest = rest[next:]
	}
	return "", false
}

// around is a text from a little before its first letter that is not ASCII.
func around(s string) string {
	const before, most = 16, 60
	i := strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 })
	if i > before {
		return "…" + Escaped(s[i-before:], most)
	}
	return Escaped(s, most)
}

// Escaped is Line in ASCII: every other character is an escape as in \u{43e}.
func Escaped(s string, max int) string {
	var b strings.Builder
	for _, r := range s {
		one := Line(string(r), 16)
		if r >= 0x80 {
			one = fmt.Sprintf(`\u{%x}`, r)
		}
		if b.Len()+len(one) > max {
			return b.String() + mark
		}
		b.WriteString(one)
	}
	return b.String()
}

func quoted(s string) string { return "“" + Line(s, 60) + "”" }

// alphabets are the scripts whose letters are mistaken for Latin ones. Others,
// such as Han or Hiragana, stand beside Latin letters in ordinary text.
var alphabets = []struct {
	name  string
	table *unicode.RangeTable
}{
	{"Cyrillic", unicode.Cyrillic}, {"Greek", unicode.Greek}, {"Armenian", unicode.Armenian},
	{"Cherokee", unicode.Cherokee}, {"Coptic", unicode.Coptic}, {"Lisu", unicode.Lisu},
}

// mixed says what is wrong with a word; "" if nothing is.
func mixed(word string) string {
	latin, other, alike, letters := false, "", rune(0), 0
	reads := make([]rune, 0, len(word))
	for _, r := range word {
		if unicode.Is(unicode.Latin, r) {
			latin = true
			reads = append(reads, r)
			continue
		}
		if as := lookalikes[r]; as != 0 {
			reads = append(reads, as)
			if alike == 0 {
				alike = r
			}
		} else if unicode.IsDigit(r) {
			reads = append(reads, r)
		}
		for _, a := range alphabets {
			if unicode.Is(a.table, r) {
				other = a.name
				letters++
			}
		}
	}
	switch {
	case other == "":
		return ""
	case latin && alike != 0:
		return fmt.Sprintf(`%s mixes Latin and %s letters: \u{%x} looks like %c`, quoted(word), other, alike, lookalikes[alike])
	case latin && other != "Greek": // kΩ and μs are ordinary
		return fmt.Sprintf("%s mixes Latin and %s letters", quoted(word), other)
	case letters > 1 && len(reads) == len([]rune(word)):
		return fmt.Sprintf("%s is all %s and reads as %q", quoted(word), other, string(reads))
	}
	return ""
}

// poses returns the ASCII character that a sign or a styled letter is drawn like; 0
// if there is none.
func poses(r rune) rune {
	switch {
	case r < 0x80:
		return 0
	case 0xff01 <= r && r <= 0xff5e: // full width
		return r - 0xff01 + '!'
	case 0x1d400 <= r && r <= 0x1d6a3: // mathematical alphabets, 52 letters each
		n := (r - 0x1d400) % 52
		if n < 26 {
			return 'A' + n
		}
		return 'a' + n - 26
	case 0x1d7ce <= r && r <= 0x1d7ff:
		return '0' + (r-0x1d7ce)%10
	}
	return signs[r]
}

// signs look like ASCII wherever they stand.
var signs = map[rune]rune{
	'ı': 'i', 'ȷ': 'j', 'ɑ': 'a', 'ɡ': 'g', 'ɩ': 'i', 'ſ': 'f', 'ʟ': 'L', 'ɪ': 'I', 'ǀ': '|', 'ǃ': '!', 'ꓸ': '.',
	'ℊ': 'g', 'ℎ': 'h', 'ℓ': 'l', 'ℯ': 'e', 'ℴ': 'o', 'ⅰ': 'i', 'ⅼ': 'l', 'ⅽ': 'c', 'ⅾ': 'd', 'ⅿ': 'm', 'ⅴ': 'v', 'ⅹ': 'x',
	'Ⅰ': 'I', 'Ⅼ': 'L', 'Ⅽ': 'C', 'Ⅾ': 'D', 'Ⅿ': 'M', 'Ⅴ': 'V', 'Ⅹ': 'X',
	'⁄': '/', '∕': '/', '⧸': '/', '╱': '/', '⟋': '/', '∖': '\\', '⧵': '\\', '․': '.', '۔': '.', 'ˌ': ',', '‚': ',',
	'ː': ':', '˸': ':', '∶': ':', '꞉': ':', '։': ':', '׃': ':', ';': ';',
	'˗': '-', '‐': '-', '‑': '-', '‒': '-', '−': '-', '⁃': '-', 'ꞏ': '.', '∗': '*', '⁎': '*', '∼': '~', '˜': '~',
}

// lookalikes are the letters of other alphabets that are drawn like Latin ones.
var lookalikes = map[rune]rune{
	// Cyrillic
	'а': 'a', 'ь': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'һ': 'h', 'і': 'i', 'ј': 'j', 'к': 'k', 'ӏ': 'l', 'м': 'm', 'о': 'o', 'р': 'p',
	'ԛ': 'q', 'г': 'r', 'ѕ': 's', 'т': 't', 'ц': 'u', 'ѵ': 'v', 'ԝ': 'w', 'х': 'x', 'у': 'y', 'ү': 'y', 'ё': 'ë', 'ї': 'ï',
	'А': 'A', 'В': 'B', 'С': 'C', 'Е': 'E', 'Ғ': 'F', 'Ԍ': 'G', 'Н': 'H', 'І': 'I', 'Ӏ': 'I', 'Ј': 'J', 'К': 'K', 'М': 'M', 'О': 'O', 'Р': 'P',
	'Ѕ': 'S', 'Т': 'T', 'Ѵ': 'V', 'Ԝ': 'W', 'Х': 'X', 'У': 'Y', 'Ү': 'Y', 'Ԛ': 'Q', 'Ԁ': 'D', 'З': '3', 'Ь': 'b',
	// Greek
	'α': 'a', 'ε': 'e', 'η': 'n', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'σ': 'o', 'τ': 't', 'υ': 'u', 'χ': 'x', 'γ': 'y', 'ϲ': 'c', 'ϳ': 'j',
	'Α': 'A', 'Β': 'B', 'Ε': 'E', 'Ζ': 'Z', 'Η': 'H', 'Ι': 'I', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'Ο': 'O', 'Ρ': 'P', 'Τ': 'T', 'Υ': 'Y', 'Χ': 'X', 'Ϲ': 'C',
	// Armenian
	'օ': 'o', 'ս': 'u', 'ո': 'n', 'հ': 'h', 'ց': 'g', 'ք': 'p', 'զ': 'q', 'ա': 'w', 'լ': 'l', 'Տ': 'S', 'Օ': 'O', 'Լ': 'L', 'Ս': 'U',
	// Cherokee
	'Ꭰ': 'D', 'Ꭱ': 'R', 'Ꭲ': 'T', 'Ꭺ': 'A', 'Ꭻ': 'J', 'Ꭼ': 'E', 'Ꮃ': 'W', 'Ꮇ': 'M', 'Ꮋ': 'H', 'Ꮐ': 'G', 'Ꮓ': 'Z', 'Ꮞ': '4', 'Ꮟ': 'b', 'Ꮢ': 'R',
	'Ꮤ': 'W', 'Ꮥ': 'S', 'Ꮩ': 'V', 'Ꮪ': 'S', 'Ꮮ': 'L', 'Ꮯ': 'C', 'Ꮲ': 'P', 'Ꮶ': 'K', 'Ᏼ': 'B',
	// Coptic
	'ⲟ': 'o', 'Ⲟ': 'O', 'ⲣ': 'p', 'Ⲣ': 'P', 'ⲥ': 'c', 'Ⲥ': 'C', 'Ⲙ': 'M', 'Ⲛ': 'N', 'Ⲏ': 'H', 'Ⲕ': 'K', 'Ⲧ': 'T', 'ⲁ': 'a',
	// Lisu
	'ꓐ': 'B', 'ꓑ': 'P', 'ꓓ': 'D', 'ꓔ': 'T', 'ꓖ': 'G', 'ꓗ': 'K', 'ꓙ': 'J', 'ꓚ': 'C', 'ꓜ': 'Z', 'ꓝ': 'F', 'ꓟ': 'M', 'ꓠ': 'N', 'ꓡ': 'L', 'ꓢ': 'S',
	'ꓣ': 'R', 'ꓦ': 'V', 'ꓧ': 'H', 'ꓪ': 'W', 'ꓫ': 'X', 'ꓬ': 'Y', 'ꓮ': 'A', 'ꓰ': 'E', 'ꓲ': 'I', 'ꓳ': 'O', 'ꓴ': 'U',
}
