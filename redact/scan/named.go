package scan

import "strings"

// namedSecret is a key, token or secret with signs in it, which gitleaks takes for none:
// the value of a member of a JSON object whose name says what it is. It has letters, digits
// and a sign that neither words nor encodings have, and no blank.
func namedSecret(f *finder, r *rule, start, end int) {
	s := f.m.s
	word := s[start:end]
	if end < len(s) && s[end]|0x20 == 's' && word[0]|0x20 != 't' { // tokens are mostly counted, or words
		end++
	}
	if end >= len(s) || s[end] != '"' || !opens(s[max(0, start-maxName):start], word) {
		return
	}
	i := f.m.skip(end+1, maxOpen, blankBytes)
	if i >= len(s) || s[i] != ':' {
		return
	}
	if i = f.m.skip(i+1, maxOpen, blankBytes); i >= len(s) || s[i] != '"' {
		return
	}
	const least, most = 10, 128
	i++
	to := f.m.skip(i, most+1, passwordBytes)
	if to-i < least || to-i > most || to >= len(s) || s[to] != '"' {
		return
	}
	if value := s[i:to]; unwordly(value) && !placeholder(value) {
		f.take(r, start, to, i, to)
	}
}

var blankBytes = setOf(func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' })

// opens reports whether what bears a name opens something: its last word, and what of
// it stands before. A key does not by itself, nor does a token that only says where a
// list goes on.
func opens(before, word string) bool {
	if n := strings.LastIndexAny(before, "\"\\ \n"); n >= 0 {
		before = before[n+1:]
	}
	before = strings.ToLower(before)
	switch strings.ToLower(word) {
	case "key":
		before = strings.TrimRight(before, "_-")
		for _, of := range []string{"api", "secret", "access", "private", "signing", "encryption", "auth"} {
			if strings.HasSuffix(before, of) {
				return true
			}
		}
		return false
	case "token":
		for _, of := range []string{"page", "next", "prev", "cursor", "contin", "sync", "resum", "cancel", "progress"} {
			if strings.Contains(before, of) {
				return false
			}
		}
	}
	return true
}

// unwordly reports whether a text has letters, digits and a sign that stands in no name,
// number, address, encoding or masked text.
func unwordly(s string) bool {
	var letters, digits, signs int
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
		case c == '/' || c == ':' || c == '|':
			return false
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
		case c == '*' && i+1 < len(s) && s[i+1] == c:
			return false
		case i > 0 && strings.IndexByte("!#$%^&*?~", c) >= 0:
			signs++
		}
	}
	return letters > 2 && digits > 0 && signs > 0
}
