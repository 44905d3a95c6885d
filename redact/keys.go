package redact

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// ruleKey marks a value whose key names a secret.
const ruleKey = "key"

// secretName reports whether a name is that of a secret. It splits the name into
// words (snake_case, kebab-case, camelCase, with spaces) and then asks for words,
// so that github_token and tokenValue are secrets, max_tokens, author and
// passage are none, and a key is one only with what it opens: api_key.
func secretName(name string) bool {
	var space [12]string
	words := splitName(space[:0], name)
	for i, w := range words {
		if !secretWord(words, i, w) {
			continue
		}
		// A number or a word about a secret is none: tokenCount, auth_type.
		if i > 0 && isCount(words[i-1]) || slices.ContainsFunc(words[i+1:], isAbout) {
			continue
		}
		return true
	}
	return false
}

func secretWord(words []string, i int, w string) bool {
	before := ""
	if i > 0 {
		before = words[i-1]
	}
	switch w {
	case "password", "passwords", "passwd", "pwd", "pass", "passphrase", "passcode", "pw",
		"token", "secret", "secrets", "authorization", "auth", "oauth", "cookie", "cookies",
		"session", "credential", "credentials", "cred", "creds", "pin", "pincode", "otp", "totp",
		"cvv", "cvc", "ssn", "jwt", "bearer", "mnemonic", "sid":
		return true
	case "tokens":
		return slices.Contains([]string{"access", "refresh", "api", "auth", "bearer", "session", "oauth", "csrf", "secret"}, before)
	case "key", "keys":
		return slices.Contains([]string{
			"api", "private", "priv", "secret", "access", "auth", "encryption", "signing", "ssh", "session",
			"master", "hmac", "account", "storage", "subscription", "service", "deploy", "license", "recovery", "app",
		}, before)
	case "phrase":
		return before == "seed" || before == "recovery" || before == "pass"
	case "code", "codes":
		return before == "recovery" || before == "backup" || before == "verification" || before == "mfa" || before == "security"
	case "word":
		return before == "pass"
	}
	return gluedSecret(w)
}

// digitSecret reports names of secrets that may be numbers.
func digitSecret(name string) bool {
	return slices.ContainsFunc(splitName(nil, name), func(w string) bool {
		switch w {
		case "pin", "pincode", "otp", "totp", "cvv", "cvc", "ssn", "passcode", "code", "codes", "password", "passwd", "pwd", "pass":
			return true
		}
		return false
	})
}

// gluedSecret finds secrets in words that nothing separates: dbpassword, apikey.
func gluedSecret(w string) bool {
	for _, part := range []string{
		"password", "passwd", "passphrase", "passcode", "apikey", "secretkey", "accesskey", "privatekey",
		"authkey", "signingkey", "clientsecret", "credential", "authtoken", "accesstoken", "refreshtoken",
		"sessionid", "sessionkey", "authorization",
	} {
		if strings.Contains(w, part) {
			return true
		}
	}
	for _, end := range []string{"secret", "token", "pwd", "cookie"} {
		if rest, ok := strings.CutSuffix(w, end); ok && !isCount(rest) {
			return true
		}
	}
	for _, begin := range []string{"token", "secret"} {
		if rest, ok := strings.CutPrefix(w, begin); ok && slices.Contains([]string{"value", "string", "data", "key", "id", "text"}, rest) {
			return true
		}
	}
	return false
}

// isCount reports words that make a number of what follows.
func isCount(w string) bool {
	switch w {
	case "max", "min", "num", "total", "count", "maximum", "minimum":
		return true
	}
	return false
}

// isAbout reports words that make a property of what goes before.
func isAbout(w string) bool {
	switch w {
	case "count", "counts", "limit", "length", "len", "size", "max", "min", "total", "budget", "usage", "rate",
		"type", "types", "method", "mode", "scheme", "policy", "enabled", "required", "timeout", "ttl",
		"expiry", "expires", "expiration":
		return true
	}
	return false
}

// splitName appends the words of a name in lower case, without digits at their
// edges.
func splitName(words []string, name string) []string {
	start := -1
	end := func(i int) {
		if start >= 0 {
			if w := strings.Trim(name[start:i], "0123456789"); w != "" {
				words = append(words, strings.ToLower(w))
			}
		}
		start = -1
	}
	for i := range len(name) {
		c := name[i]
		if c < 0x80 && !isLetter(c) && !isDigit(c) {
			end(i)
			continue
		}
		if start >= 0 && isUpper(c) {
			// aB, 1B: a new word. ABc: the last capital begins one.
			last := name[i-1]
			nextLower := i+1 < len(name) && isLetter(name[i+1]) && !isUpper(name[i+1])
			if !isUpper(last) || nextLower {
				end(i)
			}
		}
		if start < 0 {
			start = i
		}
	}
	end(len(name))
	return words
}

func isUpper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// names remembers the verdict on short names: tools have few. It holds a fixed
// number of them, whatever clients make up.
type names struct {
	seed  maphash.Seed
	known [256]atomic.Pointer[verdict]
}

type verdict struct {
	name   string
	secret bool
}

const maxRemembered = 64

func (n *names) secret(name string) bool {
	if len(name) > maxRemembered {
		return secretName(name)
	}
	place := &n.known[maphash.String(n.seed, name)%uint64(len(n.known))]
	if v := place.Load(); v != nil && v.name == name {
		return v.secret
	}
	// The clone keeps a message from staying in memory for its key.
	v := &verdict{strings.Clone(name), secretName(name)}
	place.Store(v)
	return v.secret
}
