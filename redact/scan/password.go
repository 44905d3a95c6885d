package scan

import "strings"

// password is a password that is too short or too plain for the rules of gitleaks:
// it stands under a name that ends in one of the words, behind an operator, has no
// blank in it, and letters as well as digits or signs.
func password(f *finder, r *rule, start, end int) {
	s := f.m.s
	i := end
	for limit := min(len(s), end+maxQuote); i < limit && (s[i] == '"' || s[i] == '\'' || s[i] == ' '); {
		i++
	}
	var room [2]int
	ops := operators(room[:0], s, i)
	if len(ops) == 0 || s[i] == ',' || s[i] == '>' || s[i] == '|' {
		return
	}
	i = ops[0]
	for limit := min(len(s), i+maxOpen); i < limit && (s[i] == '"' || s[i] == '\'' || s[i] == '`' || s[i] == ' ' || s[i] == '='); {
		i++
	}
	const least, most = 6, 128
	to := f.m.skip(i, most+1, passwordBytes)
	if to-i < least || to-i > most || to < len(s) && strings.IndexByte("\"'`,;< \t\r\n\\", s[to]) < 0 {
		return
	}
	if value := s[i:to]; mixed(value) && !placeholder(value) {
		f.take(r, start, to, i, to)
	}
}

// mixed reports whether a text has letters and digits, or letters and two signs
// that words and paths do not have.
func mixed(s string) bool {
	var letters, digits, signs int
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
		case strings.IndexByte("!#$%^&*+=?@~", c) >= 0:
			signs++
		case c == '/' || c == ':':
			return false
		}
	}
	return letters > 0 && digits > 0 || letters > 2 && signs > 0
}
