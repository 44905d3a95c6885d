package scan

import (
	"encoding/base64"
	"strings"
)

// ownRule is a rule that gitleaks does not have, searched by hand where one of its
// words ends.
type ownRule struct {
	id, about string
	rank      rank
	hand      func(f *finder, r *rule, start, end int)
	words     []string
}

func ownRules() []ownRule {
	return []ownRule{
		{"provider-key", "Key of a provider of models or payments, as begins with sk-.", rankLoose, providerKey, []string{"sk-"}},
		{"github-token", "Token of GitHub, as begins with ghp_, gho_, ghu_, ghs_ or ghr_.", rankLoose, githubToken, []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}},
		{"bearer", "Bearer token, which opens to whoever has it.", rankLoose, bearer, []string{"bearer "}},
		{"basic-auth", "Name and password of HTTP basic authentication.", rankLoose, basicAuth, []string{"basic "}},
		{"json-web-token", "JSON Web Token, which is a login to whoever has it.", rankLoose, webToken, []string{"eyj"}},
		{"url-password", "Password inside of a URL, such as a connection string of a database.", rankLoose, urlPassword, []string{"://"}},
		{"connection-string", "Password or key in a connection string.", rankLoose, connection, []string{"password=", "pwd=", "accountkey=", "sharedaccesskey="}},
		{cookieRule, "Cookie of a session, which is a login to whoever has it.", rankLoose, cookies, []string{"cookie"}},
		{"named-secret", "Key, token or secret with signs in it, under a name that says so.", rankGeneric, namedSecret, []string{"key", "secret", "token", "pwd"}},
		{"password", "Password behind a name that says so.", rankGeneric, password, []string{"password", "passwd", "passphrase"}},
	}
}

const cookieRule = "cookie"

// own takes in the rules that gitleaks does not have.
func (b *builder) own() {
	for _, o := range ownRules() {
		r := &rule{id: o.id, rank: o.rank, keywords: o.words, part: o.id == cookieRule}
		b.add(r)
		b.on(o.words, action{rule: r, hand: o.hand})
	}
}

func isToken(c byte) bool { return isWord(c) || c == '-' }

// inWord reports whether the byte before i belongs to the same word, as in
// "task-force".
func inWord(s string, i int) bool { return i > 0 && isToken(s[i-1]) }

// maxToken bounds one token of the rules here: a JWT with many claims is shorter.
const maxToken = 8 << 10

// digits reports whether there is one.
func digits(s string) bool { return strings.ContainsAny(s, "0123456789") }

// providerKey is the form sk-… of several providers: twenty bytes, a digit among
// them, so that "sk-learn-something" is none.
func providerKey(f *finder, r *rule, start, end int) {
	s := f.m.s
	if s[start:end] != "sk-" || inWord(s, start) {
		return
	}
	to := f.m.skip(end, maxToken, tokenBytes)
	if to-end >= 20 && digits(s[end:to]) {
		f.take(r, start, to, start, to)
	}
}

// githubToken is a token of GitHub with a length that its makers did not tell.
func githubToken(f *finder, r *rule, start, end int) {
	s := f.m.s
	if s[start] != 'g' || inWord(s, start) {
		return
	}
	to := f.m.skip(end, maxToken, wordBytes)
	if to-end >= 20 && entropy(s[end:to]) > 3 {
		f.take(r, start, to, start, to)
	}
}

// bearer is the token of RFC 6750, section 2.1. "Bearer authentication-methods"
// is none.
func bearer(f *finder, r *rule, start, end int) {
	s := f.m.s
	if inWord(s, start) {
		return
	}
	to := f.m.skip(end, maxToken, bearerBytes)
	if token := strings.TrimRight(s[end:to], "."); len(token) >= 32 || len(token) >= 8 && digits(token) && entropy(token) > 2.5 {
		f.take(r, start, end+len(token), end, end+len(token))
	}
}

// basicAuth is the credentials of RFC 7617: base64 of a text with a colon.
func basicAuth(f *finder, r *rule, start, end int) {
	s := f.m.s
	if inWord(s, start) {
		return
	}
	to := f.m.skip(end, maxToken, base64Bytes)
	plain, err := base64.StdEncoding.DecodeString(s[end:to])
	if err != nil {
		plain, err = base64.RawStdEncoding.DecodeString(s[end:to])
	}
	if err == nil && len(plain) >= 3 && strings.Contains(string(plain), ":") && printable(plain) {
		f.take(r, start, to, end, to)
	}
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '+' || c == '/' || c == '='
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// webToken is the compact form of RFC 7519, whatever stands behind it: a base64url
// object, a dot, a second one, a dot, and the rest.
func webToken(f *finder, r *rule, start, end int) {
	s := f.m.s
	if s[start:end] != "eyJ" || inWord(s, start) {
		return
	}
	first := f.m.skip(end, maxToken, tokenBytes)
	if first-start < 10 || first >= len(s) || s[first] != '.' {
		return
	}
	second := f.m.skip(first+1, maxToken, tokenBytes)
	if second-first < 6 || second >= len(s) || s[second] != '.' {
		return
	}
	to := second
	for range 3 { // an encrypted one has five parts
		if to < len(s) && s[to] == '.' {
			to = f.m.skip(to+1, maxToken, tokenBytes)
		}
	}
	f.take(r, start, to, start, to)
}

// urlPassword is the password in the authority of a URL (RFC 3986, section 3.2.1):
// what stands between its first colon and its last "@".
func urlPassword(f *finder, r *rule, _, end int) {
	s := f.m.s
	const authority = 512
	to := f.m.skip(end, authority, urlBytes)
	if strings.IndexByte(s[end:to], '@') < 0 {
		return
	}
	colon, at := -1, -1
	for j := end; j < to; j++ {
		switch {
		case s[j] == ':' && colon < 0:
			colon = j + 1
		case s[j] == '@':
			at = j
		}
	}
	if colon > 0 && at > colon && !placeholder(s[colon:at]) {
		f.take(r, end, at, colon, at)
	}
}

// connection is a password or key in a connection string: one member of several,
// which ";", "&" or "?" part.
func connection(f *finder, r *rule, start, end int) {
	s := f.m.s
	least, from := 3, start
	if s[end-2]|0x20 == 'y' { // a key
		least = 32
	} else {
		for from > 0 && s[from-1] == ' ' && start-from < 4 {
			from--
		}
		if from == 0 || strings.IndexByte(";&?", s[from-1]) < 0 {
			return
		}
	}
	to := f.m.skip(end, 512, memberBytes)
	if to-end >= least && !placeholder(s[end:to]) {
		f.take(r, start, to, end, to)
	}
}

// placeholder reports whether what stands for a secret only shows where one goes.
func placeholder(s string) bool {
	switch strings.ToLower(s) {
	case "password", "passwd", "pass", "pwd", "secret", "changeme", "redacted", "your-password", "your_password", "yourpassword", "mypassword":
		return true
	}
	if strings.HasPrefix(s, "[REDACTED") || strings.Trim(s, "*") == "" || strings.Trim(s, "xX") == "" || strings.Trim(s, ".") == "" {
		return true
	}
	switch s[0] {
	case '$', '<', '{', '%':
		return true
	}
	return false
}
