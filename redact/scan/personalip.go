package scan

import (
	"net/netip"
	"strings"
)

// address is an address of IPv4 in four decimal parts, or of IPv6. What is no
// address of somebody is left out: loopback, unspecified, and versions of programs
// that a letter stands before.
func address(s string, i int) (start, end int, ok bool) {
	start = i
	if s[i] == ':' { // one that begins with a letter, or with nothing
		for start > 0 && i-start < 5 && isHex(s[start-1]) {
			start--
		}
		if isDigit(s[start]) || start > 0 && (isWord(s[start-1]) || s[start-1] == ':') || start == i && (i+1 == len(s) || s[i+1] != ':') {
			return 0, 0, false
		}
	}
	const longest = 45
	end = start
	colons, dots := 0, 0
	for end < len(s) && end-start <= longest {
		c := s[end]
		if c == ':' {
			colons++
		} else if c == '.' {
			dots++
		} else if !isHex(c) {
			break
		}
		end++
	}
	for end > start && (s[end-1] == '.' || s[end-1] == ':') {
		end--
	}
	if dots < 3 && colons < 2 || !edges(s, start, end) || start > 0 && (s[start-1] == '.' || s[start-1] == '-') {
		return 0, 0, false
	}
	text := s[start:end]
	if dots == 3 { // a port belongs to no address of four parts
		if at := strings.IndexByte(text, ':'); at > 0 && colons == 1 {
			text = text[:at]
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.IsLoopback() || a.IsUnspecified() {
		return 0, 0, false
	}
	return start, start + len(text), true
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
