package grant

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
)

const (
	tokenPrefix = "ost_cap_"
	tokenBytes  = 32
)

// digest identifies a token; it is all that is kept of it.
type digest [sha256.Size]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// short is what logs and people see.
func (d digest) short() string { return hex.EncodeToString(d[:4]) }

// newToken makes a token from 32 random bytes.
func newToken(random io.Reader) (token string, d digest, err error) {
	var b [tokenBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", d, err
	}
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return token, sha256.Sum256([]byte(token)), nil
}

// digestOf returns false for what has not the form of a token. One of several
// spellings of the same bytes is another token, which nobody has made.
func digestOf(token string) (digest, bool) {
	if !looksLikeToken(token) || len(token) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return digest{}, false
	}
	return sha256.Sum256([]byte(token)), true
}

// looksLikeToken reports whether a text may be one, which then is never shown.
func looksLikeToken(s string) bool {
	return len(s) >= len(tokenPrefix) && strings.EqualFold(s[:len(tokenPrefix)], tokenPrefix)
}
