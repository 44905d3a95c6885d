package untrusted

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/swar"
)

// Hidden is what kinds of hiding were found in a text.
type Hidden uint8

// Kinds of hiding.
const (
	HiddenZeroWidth Hidden = 1 << iota // takes no room
	HiddenDirection                    // turns the order of what is read
	HiddenTags                         // letters that no font shows
	HiddenVariants                     // variation selectors that vary nothing
	HiddenControls                     // what a terminal obeys
	HiddenAlphabets                    // a word of letters of two alphabets that look alike
)

// Names are the words for the kinds, in a fixed order.
func (h Hidden) Names() []string {
	var all []string
	for i, name := range []string{"zero-width", "direction", "tags", "variants", "controls", "alphabets"} {
		if h&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return all
}

// Reveal makes visible what hides in a text: hidden characters become their
// numbers in brackets, [U+200B], hidden letters [hidden: …], and behind a word of
// two alphabets stands [letters of two alphabets]. Emoji, and writing that needs
// joiners or direction marks, stay as they are. It takes time linear in the text,
// returns a text without hiding as it is, and changes nothing when it is repeated.
func Reveal(s string) (string, Hidden) {
	at := swar.NextOdd(s, 0) // before, ASCII that hides nothing
	if at == len(s) {
		return s, 0
	}
	r := revealer{s: s}
	r.from(at)
	if r.found == 0 {
		return s, 0
	}
	return r.out.String(), r.found
}

func plainByte(c byte) bool {
	return c >= ' ' && c < 0x7f || c == '\n' || c == '\t'
}

type revealer struct {
	s     string
	out   strings.Builder
	done  int // up to where s was copied
	found Hidden
	word  word
	last  rune // the character before
}

// from looks at every character from at on. What lies before it is ASCII.
func (v *revealer) from(at int) {
	if at > 0 {
		v.word.begin(v.s[:at])
		v.last = rune(v.s[at-1])
	}
	for at < len(v.s) {
		if plainByte(v.s[at]) {
			at = v.ascii(at, swar.NextOdd(v.s, at))
			continue
		}
		r, size := utf8.DecodeRuneInString(v.s[at:])
		kind := v.hides(r, size, at)
		if kind == 0 {
			v.letter(at, r)
			at += size
			continue
		}
		end := at + size
		v.last = ']'         // as it will stand there
		for end < len(v.s) { // a run of one kind stands in one pair of brackets
			next, n := utf8.DecodeRuneInString(v.s[end:])
			if v.hides(next, n, end) != kind {
				break
			}
			end += n
		}
		v.show(at, end, kind)
		at = end
	}
	v.letter(len(v.s), ' ')
	if v.found != 0 {
		v.out.WriteString(v.s[v.done:])
	}
}

// ascii takes ASCII that hides nothing, and returns where it ends. No word within it has
// letters of two alphabets: what counts is the end of the word before, and the last one.
func (v *revealer) ascii(at, end int) int {
	for ended := false; at < end && !ended; at++ {
		c := rune(v.s[at])
		ended = v.word.ends(c)
		v.letter(at, c)
	}
	if at < end {
		v.word = 0
		v.word.begin(v.s[at:end])
		v.last = rune(v.s[end-1])
	}
	return end
}

// letter takes a character that hides nothing. Where a word of two alphabets has
// ended, the text says so.
func (v *revealer) letter(at int, r rune) {
	if v.word.ends(r) {
		if v.word.mixed() && !strings.HasPrefix(v.s[at:], twoAlphabets) {
			v.found |= HiddenAlphabets
			v.out.WriteString(v.s[v.done:at])
			v.out.WriteString(twoAlphabets)
			v.done = at
		}
		v.word = 0
	}
	v.word.add(r)
	v.last = r
}

const twoAlphabets = "[letters of two alphabets]"

// shownMost is how many numbers of a run are written out.
const shownMost = 16

// show writes a run of hidden characters.
func (v *revealer) show(at, end int, kind Hidden) {
	v.letter(at, '[')
	v.last = ']'
	v.found |= kind
	v.out.WriteString(v.s[v.done:at])
	v.done = end
	run := v.s[at:end]
	if kind == HiddenTags {
		v.out.WriteString("[hidden: " + untagged(run) + "]")
		return
	}
	numbers, n := make([]byte, 0, 16), 0
	numbers = append(numbers, '[')
	for _, r := range run {
		if n++; n > shownMost {
			continue
		}
		if n > 1 {
			numbers = append(numbers, ' ')
		}
		numbers = appendNumber(numbers, r)
	}
	if n > shownMost {
		numbers = fmt.Appendf(numbers, " and %d more", n-shownMost)
	}
	v.out.Write(append(numbers, ']'))
}

// appendNumber appends the number of a character as Unicode writes it, U+200B.
func appendNumber(b []byte, r rune) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, "U+"...)
	for shift := 20; shift >= 0; shift -= 4 {
		if d := r >> shift; d > 0 || shift <= 12 {
			b = append(b, digits[d&15])
		}
	}
	return b
}

// untagged are the letters that tag characters stand for.
func untagged(run string) string {
	var b strings.Builder
	for _, r := range run {
		if c := r - tagFirst; c >= ' ' && c < 0x7f {
			b.WriteByte(byte(c))
		} else {
			b.WriteByte('?')
		}
	}
	return b.String()
}
