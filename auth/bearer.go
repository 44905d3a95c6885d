package auth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary"
)

// maxToken is how long a bearer token is at most, in bytes.
const maxToken = 16 << 10

// bearer returns the token of the header Authorization, or "" if there is none
// (RFC 6750, section 2.1). Two headers, another scheme and a token of other
// characters than b64token are refused: a list of credentials would let the next
// hop choose another than we do.
func bearer(h http.Header) (string, *ostiary.Error) {
	values := h["Authorization"]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", refuse(ostiary.CodeAuthAmbiguous, "the request has %d Authorization headers: send one", len(values))
	}
	const scheme = "bearer"
	v := values[0]
	if len(v) > maxToken+len(scheme)+1 {
		return "", refuse(ostiary.CodeAuthMalformed, "the Authorization header is longer than %d bytes: send one bearer token", maxToken)
	}
	if len(v) <= len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) || v[len(scheme)] != ' ' {
		return "", malformed()
	}
	token := strings.TrimLeft(v[len(scheme):], " ")
	if !b64token(token) {
		return "", malformed()
	}
	return token, nil
}

func malformed() *ostiary.Error {
	return refuse(ostiary.CodeAuthMalformed, "the Authorization header is not one bearer token: send  Authorization: Bearer TOKEN")
}

// b64token is 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
func b64token(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		switch c := body[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return false
		}
	}
	return body != ""
}

// inURL reports whether a URL carries a credential, which then is in the logs of
// every hop: a parameter with a name that clients use for one, or an API key
// anywhere.
func inURL(u *url.URL) bool {
	if u.User != nil {
		return true
	}
	if strings.Contains(strings.ToLower(u.Path), keyStart) {
		return true
	}
	if u.RawQuery == "" {
		return false
	}
	for pair := range strings.FieldsFuncSeq(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		switch strings.ToLower(name) {
		case "access_token", "api_key", "apikey", "api-key", "authorization", "bearer", "id_token", "token":
			return true
		}
		if strings.Contains(strings.ToLower(name+" "+value), keyStart) {
			return true
		}
	}
	return false
}
