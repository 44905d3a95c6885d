package redact

import (
	"encoding/base64"
	"strings"
)

// shape is a secret that tells itself by how it is written. match gets the text
// and where the prefix begins, and returns what to replace; it MUST look at no
// more than a constant number of bytes beyond what it returns, or stop at the
// first byte that cannot belong to it, so that the scan stays linear.
type shape struct {
	prefix string // at least three bytes, matched exactly
	rule   string
	match  func(s string, i int, prefix string) (start, end int, ok bool)
}

const rulePassword = "url-password"

func shapes() []shape {
	var all []shape
	add := func(rule string, match func(string, int, string) (int, int, bool), prefixes ...string) {
		for _, p := range prefixes {
			all = append(all, shape{p, rule, match})
		}
	}
	all = ownTokens()
	add("provider-key", run(20, true), "sk-")
	add("github-token", run(20, false), "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
	add("gitlab-token", run(20, false), "glpat-")
	add("slack-token", run(10, true), "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-")
	add("google-key", run(30, false), "AIza")
	add("aws-key", awsKey, "AKIA", "ASIA")
	add("bearer", bearer, "Bearer ", "bearer ", "BEARER ")
	add("basic", basic, "Basic ", "basic ", "BASIC ")
	add("jwt", jwt, "eyJ")
	add(rulePassword, urlPassword, "://")
	return all
}

// rules are all names that a marker may carry.
func rules() []string {
	names := []string{ruleKnown, ruleKey, rulePrivate}
	for _, s := range shapes() {
		names = append(names, s.rule)
	}
	return names
}

// shapeAt reports the shape that begins at i.
func (x *index) shapeAt(s string, i int) (span, bool) {
	for _, sh := range x.shapes[s[i]] {
		if strings.HasPrefix(s[i:], sh.prefix) {
			if start, end, ok := sh.match(s, i, sh.prefix); ok {
				return span{start, end, sh.rule}, true
			}
		}
	}
	return span{}, false
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-'
}

// inWord reports whether the byte before i belongs to the same word, as in
// "task-force". It also keeps a long word from being looked at from every place.
func inWord(s string, i int) bool { return i > 0 && isWord(s[i-1]) }

func wordEnd(s string, i int) int {
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return i
}

// run matches a prefix at the beginning of a word with at least n bytes behind
// it, among them a digit if there must be one.
func run(n int, digit bool) func(string, int, string) (int, int, bool) {
	return func(s string, i int, prefix string) (int, int, bool) {
		if inWord(s, i) {
			return 0, 0, false
		}
		from := i + len(prefix)
		end := wordEnd(s, from)
		ok := end-from >= n && (!digit || strings.ContainsAny(s[from:end], "0123456789"))
		return i, end, ok
	}
}

func awsKey(s string, i int, _ string) (int, int, bool) {
	if inWord(s, i) {
		return 0, 0, false
	}
	end := wordEnd(s, i)
	return i, end, end-i == 20 && strings.ToUpper(s[i:end]) == s[i:end]
}

// bearer matches the token of RFC 6750, section 2.1, and leaves the word.
func bearer(s string, i int, prefix string) (int, int, bool) {
	if inWord(s, i) {
		return 0, 0, false
	}
	from := i + len(prefix)
	end := from
	for end < len(s) && (isWord(s[end]) || strings.IndexByte(".~+/=", s[end]) >= 0) {
		end++
	}
	// "Bearer authentication-methods" is none.
	ok := end-from >= 32 || end-from >= 8 && strings.ContainsAny(s[from:end], "0123456789")
	return from, end, ok
}

// basic matches the credentials of RFC 7617: base64 of something with a colon.
func basic(s string, i int, prefix string) (int, int, bool) {
	if inWord(s, i) {
		return 0, 0, false
	}
	from := i + len(prefix)
	end := from
	for end < len(s) && (isWord(s[end]) || s[end] == '+' || s[end] == '/') {
		end++
	}
	plain, err := base64.RawStdEncoding.DecodeString(s[from:end])
	for end < len(s) && s[end] == '=' {
		end++
	}
	return from, end, err == nil && strings.Contains(string(plain), ":")
}

// jwt matches the compact form of RFC 7519: a base64url object, a dot, a second
// part, a dot, and the rest of it.
func jwt(s string, i int, _ string) (int, int, bool) {
	if inWord(s, i) {
		return 0, 0, false
	}
	first := wordEnd(s, i)
	if first-i < 10 || first >= len(s) || s[first] != '.' {
		return 0, 0, false
	}
	second := wordEnd(s, first+1)
	if second-first < 6 || second >= len(s) || s[second] != '.' {
		return 0, 0, false
	}
	end := second
	for end < len(s) && s[end] == '.' {
		end = wordEnd(s, end+1)
	}
	return i, end, true
}

// urlPassword matches user:password in the authority of a URL (RFC 3986, section
// 3.2.1), up to the last "@" of it.
func urlPassword(s string, i int, prefix string) (int, int, bool) {
	from := i + len(prefix)
	colon, at := -1, -1
scan:
	for j := from; j < len(s); j++ {
		switch c := s[j]; {
		case c == ':' && colon < 0:
			colon = j
		case c == '@':
			at = j
		case c <= ' ' || strings.IndexByte("/?#\"<>\\`", c) >= 0:
			break scan
		}
	}
	ok := colon >= 0 && colon < at && s[from:at] != marker(rulePassword)
	return from, at, ok
}

// strictPassword is urlPassword for the eye: what a shell or another language would
// read as more than a word is no password there, but perhaps a command.
func strictPassword(s string, i int, prefix string) (int, int, bool) {
	from, at, ok := urlPassword(s, i, prefix)
	return from, at, ok && inert(s[from:at])
}

// inert reports whether a text is made of letters, digits and signs that mean
// nothing to a shell within a word.
func inert(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isWord(c) && strings.IndexByte(".~%+=:,@^", c) < 0 {
			return false
		}
	}
	return true
}
