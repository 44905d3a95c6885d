package untrusted

import "unicode/utf8"

// entity is the character that a text begins with as HTML writes it, and how many
// bytes it has: by its number, or by one of the names of what a fence is made of. The
// size is 0 if it is none. Readers are careless, so the semicolon may be missing.
func entity[S string | []byte](s S) (r rune, size int) {
	if len(s) < 3 || s[0] != '&' {
		return 0, 0
	}
	if s[1] == '#' {
		return numbered(s)
	}
	for _, e := range [...]struct {
		name string
		r    rune
	}{{"lt", '<'}, {"LT", '<'}, {"sol", '/'}, {"lsqb", '['}, {"lbrack", '['}, {"lbrace", '{'}, {"nbsp", ' '}, {"zwnj", ' '}, {"shy", ' '}} {
		if n := 1 + len(e.name); len(s) >= n && string(s[1:n]) == e.name {
			return e.r, semicolon(s, n)
		}
	}
	return 0, 0
}

func numbered[S string | []byte](s S) (r rune, size int) {
	i, base := 2, rune(10)
	if s[i]|0x20 == 'x' {
		i, base = 3, 16
	}
	from := i
	for ; i < len(s); i++ {
		d := rune(s[i] | 0x20)
		switch {
		case s[i] >= '0' && s[i] <= '9':
			d = rune(s[i] - '0')
		case base == 16 && d >= 'a' && d <= 'f':
			d -= 'a' - 10
		default:
			d = -1
		}
		if d < 0 {
			break
		}
		r = min(r*base+d, utf8.MaxRune+1) // which is none
	}
	if i == from {
		return 0, 0
	}
	return r, semicolon(s, i)
}

// semicolon is the end of what may have one at i.
func semicolon[S string | []byte](s S, i int) int {
	if i < len(s) && s[i] == ';' {
		i++
	}
	return i
}
