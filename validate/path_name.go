package validate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkName refuses a text that is no plain path, or that a program on the way
// could read as something else: an expansion, a URL, another separator.
func checkName(name string, maxBytes int) error {
	switch {
	case name == "":
		return pathError("the path is empty: send one, \".\" for the directory itself")
	case len(name) > maxBytes:
		return pathError("the path is longer than %d bytes: send a shorter one", maxBytes)
	case !utf8.ValidString(name):
		return pathError("the path is not valid UTF-8: send plain text")
	}
	for _, r := range name {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return pathError("the path holds a NUL or another control character: remove it")
		}
	}
	if bare(name) != name {
		return pathError("the path begins or ends with white space or a quotation mark, which some programs take away: send it without")
	}
	switch {
	case name[0] == '~':
		return pathError("\"~\" at the beginning could be expanded to a home directory: send the path in full, or begin with ./")
	case strings.ContainsRune(name, '\\'):
		return pathError("the path holds a backslash, which some programs read as a separator: separate with /")
	case len(name) >= 5 && strings.EqualFold(name[:5], "file:"):
		return pathError("a file: URL stands where a path must: send the plain path")
	case expands(name):
		return pathError("the path holds a variable such as $HOME or %%HOME%%, which could be expanded: send the path in full")
	case encoded(name):
		return pathError("the path holds a separator or a dot in percent encoding: send the path as it is, not encoded")
	}
	return nil
}

// expands reports whether a shell, a configuration reader or Windows could put
// a variable's value into the text. After a bare "$" only a name in capitals
// counts, because "routes/$postId.tsx" is an ordinary source file.
func expands(s string) bool {
	for i := 0; i < len(s); i++ {
		rest := s[i+1:]
		switch s[i] {
		case '$':
			if rest != "" && (rest[0] == '{' || rest[0] == '(') {
				return true
			}
			name := identifier(rest)
			if name != "" && name == strings.ToUpper(name) {
				return true
			}
		case '%':
			if name := identifier(rest); name != "" && strings.HasPrefix(rest[len(name):], "%") {
				return true
			}
		}
	}
	return false
}

// identifier is the name of a variable that s begins with, or "".
func identifier(s string) string {
	n := 0
	for n < len(s) {
		c := s[n]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (n == 0 || c < '0' || c > '9') {
			break
		}
		n++
	}
	return s[:n]
}

// encoded reports whether decoding the percent signs would change the parts of
// the path.
func encoded(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		switch strings.ToLower(s[i+1 : i+3]) {
		case "2e", "2f", "5c", "00", "25", "7e":
			return true
		}
	}
	return false
}
