package scan

import (
	"fmt"
	"slices"
	"strings"
)

// personal finds personal data of the kinds that were asked for. What tells them
// are signs and numbers, so that a text is gone through for those only.
type personal struct {
	e     *Engine
	start set // bytes at which something may begin or end
	kinds map[byte][]kind
}

// finding looks whether something of a kind begins at i, or stands around it.
type finding func(s string, i int) (start, end int, ok bool)

type kind struct {
	rule *rule
	find finding
}

// kinds are what Options.Personal may name, and the bytes at which to look.
var kinds = []struct {
	name  string
	bytes string
	find  finding
}{
	{"email", "@", email},
	{"phone", "+", phone},
	{"card", numerals, card},
	{"iban", capitals, iban},
	{"national-id", numerals + capitals, nationalID},
	{"ip", numerals + ":", address},
}

const (
	numerals = "0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// newPersonal makes the search; nil if nothing was asked for.
func newPersonal(e *Engine, names []string) (*personal, error) {
	if len(names) == 0 {
		return nil, nil
	}
	p := &personal{e: e, kinds: map[byte][]kind{}}
	var all []string
	for _, k := range kinds {
		all = append(all, k.name)
	}
	for n, name := range names {
		i := slices.Index(all, name)
		if i < 0 {
			return nil, invalid(fmt.Sprintf("There is no kind of personal data %q. Name one of %s.", name, strings.Join(all, ", ")), nil)
		}
		if slices.Contains(names[:n], name) {
			return nil, invalid(fmt.Sprintf("The kind of personal data %q is named twice.", name), nil)
		}
		r := &rule{id: name, rank: rankPersonal, number: len(e.rules)}
		e.rules = append(e.rules, r)
		for b := range len(kinds[i].bytes) {
			c := kinds[i].bytes[b]
			p.start[c] = true
			p.kinds[c] = append(p.kinds[c], kind{r, kinds[i].find})
		}
	}
	return p, nil
}

// personalHits adds the places behind each byte at which a kind may begin, in order with
// those of words.
func personalHits[T string | []byte](p *personal, dst []int, raw T) []int {
	f := p.e.finders.Get().(*finder)
	defer f.release()
	for i, state := 0, uint16(0); i < len(raw); i++ {
		state = p.e.words.next(state, raw[i])
		if state&p.e.words.final != 0 || p.start[raw[i]] {
			dst = append(dst, i+1)
		}
	}
	return dst
}

// find adds what begins in s[from:to] to the matches of f, or stands around a byte of it.
func (p *personal) find(f *finder, from, to int) {
	s := f.m.s
	for i := from; i < to; i++ {
		if !p.start[s[i]] {
			continue
		}
		// A number or a word is looked at from its beginning only.
		if s[i] != '@' && s[i] != '+' && s[i] != ':' && i > 0 && isWord(s[i-1]) {
			continue
		}
		for _, k := range p.kinds[s[i]] {
			if start, end, ok := k.find(s, i); ok {
				f.found = append(f.found, match{k.rule, start, end})
			}
		}
	}
}

// edges reports whether nothing at both sides of s[start:end] goes on with it.
func edges(s string, start, end int) bool {
	return (start == 0 || !isWord(s[start-1])) && (end == len(s) || !isWord(s[end]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// email is an address (RFC 5321, section 4.1.2, without quoted ones) around the
// "@" at i: at most 64 bytes before, and behind a name with a dot and a top level
// of letters.
func email(s string, i int) (start, end int, ok bool) {
	start = i
	for start > 0 && i-start < 64 && (isToken(s[start-1]) || strings.IndexByte(".+%'=~", s[start-1]) >= 0) {
		start--
	}
	for start < i && (s[start] == '.' || s[start] == '\'' || s[start] == '=') {
		start++
	}
	end = i + 1
	for end < len(s) && end-i < 254 && (isToken(s[end]) || s[end] == '.') && s[end] != '_' {
		end++
	}
	host := strings.TrimRight(s[i+1:end], ".-")
	dot := strings.LastIndexByte(host, '.')
	if start == i || dot < 1 || len(host)-dot < 3 || strings.Contains(host, "..") {
		return 0, 0, false
	}
	for _, c := range []byte(host[dot+1:]) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return 0, 0, false
		}
	}
	return start, i + 1 + len(host), true
}

// phone is a number in the form of E.164: a plus sign and 8 to 15 digits, the
// first of them not zero, with blanks, dots, hyphens or brackets between groups.
func phone(s string, i int) (start, end int, ok bool) {
	if i > 0 && (isWord(s[i-1]) || s[i-1] == '+') || i+1 == len(s) || s[i+1] < '1' || s[i+1] > '9' {
		return 0, 0, false
	}
	n, end := 0, i+1
	for j := i + 1; j < len(s) && n <= 15; j++ {
		switch {
		case isDigit(s[j]):
			n++
			end = j + 1
			continue
		case strings.IndexByte(" .-()", s[j]) >= 0 && j-end < 2:
			continue
		}
		break
	}
	return i, end, n >= 8 && n <= 15 && (end == len(s) || !isWord(s[end]))
}

// card is the number of a payment card (ISO/IEC 7812): 13 to 19 digits of a known
// first digit, in groups of at least three with single blanks or hyphens between,
// whose last is right by Luhn.
func card(s string, i int) (start, end int, ok bool) {
	var digits [19]byte
	n, group := 0, 0
	for end = i; end < len(s); end++ {
		if isDigit(s[end]) {
			if n == len(digits) {
				return 0, 0, false
			}
			digits[n] = s[end] - '0'
			n, group = n+1, group+1
			continue
		}
		if (s[end] != ' ' && s[end] != '-') || group < 3 || end+1 == len(s) || !isDigit(s[end+1]) {
			break
		}
		group = 0
	}
	if n < 13 || digits[0] < 2 || digits[0] > 6 || !edges(s, i, end) || i > 0 && s[i-1] == '.' || end < len(s) && s[end] == '.' && end+1 < len(s) && isDigit(s[end+1]) {
		return 0, 0, false
	}
	return i, end, luhn(digits[:n])
}

// luhn is the check of ISO/IEC 7812-1, annex B.
func luhn(digits []byte) bool {
	sum := 0
	for k := range digits {
		d := int(digits[len(digits)-1-k])
		if k%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// iban is an account number (ISO 13616): two letters, two digits and 11 to 30
// letters and digits, in one piece or in groups of four, right modulo 97.
func iban(s string, i int) (start, end int, ok bool) {
	var plain [34]byte
	n := 0
	for end = i; end < len(s); end++ {
		c := s[end]
		if c == ' ' && n%4 == 0 && n > 0 && end+1 < len(s) && (isDigit(s[end+1]) || s[end+1] >= 'A' && s[end+1] <= 'Z') {
			if n >= 15 && mod97(plain[:n]) { // the words behind it are none of it
				break
			}
			continue
		}
		if !isDigit(c) && (c < 'A' || c > 'Z') || n == len(plain) {
			break
		}
		if n < 2 && isDigit(c) || n >= 2 && n < 4 && !isDigit(c) {
			return 0, 0, false
		}
		plain[n] = c
		n++
	}
	return i, end, n >= 15 && edges(s, i, end) && mod97(plain[:n])
}

// mod97 is the check of ISO 7064, MOD 97-10, over the number with its first four
// characters at its end.
func mod97(plain []byte) bool {
	rest := 0
	for k := range plain {
		c := plain[(k+4)%len(plain)]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}
