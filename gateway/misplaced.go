package gateway

import (
	"bytes"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// A capability token begins with tokenHead and tokenTail; of what follows the first
// letters are no secret.
const (
	tokenHead  = "ost_"
	tokenTail  = "cap_"
	tokenLeast = 20
)

// misplaced refuses a message that would carry a capability token to the server:
// in an argument that no rule names for it, in a name or an address, anywhere. It
// looks at what will be sent, when the tokens in their places are gone. What it
// does not stop is a token that somebody took apart or wrote in a code of his own.
func misplaced(m *wire.Message) error {
	if !holdsToken(m.Raw) {
		return nil
	}
	return &ostiary.Error{Code: ostiary.CodeGrantMisplaced,
		Message: `the message holds a capability token where the server would get it, so it was not sent on: send the token only in _meta["` + wire.MetaGrant +
			`"], or in the argument that the operator's rule names for it, and nothing of it anywhere else`}
}

// holdsToken reports whether a JSON text holds a token, escaped or not.
func holdsToken(raw []byte) bool {
	return hasToken(raw) || hasEscaped(raw) && hasToken(unescaped(raw))
}

// hasToken looks at every underscore, which texts have fewer of than letters.
func hasToken(b []byte) bool {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '_')
		if i < 0 {
			return false
		}
		at += i + 1
		if at >= len(tokenHead) && string(b[at-len(tokenHead):at]) == tokenHead && secretBehind(b[at:]) {
			return true
		}
	}
}

func secretBehind(b []byte) bool {
	if len(b) < len(tokenTail)+tokenLeast || string(b[:len(tokenTail)]) != tokenTail {
		return false
	}
	for _, c := range b[len(tokenTail) : len(tokenTail)+tokenLeast] {
		if !isTokenByte(c) {
			return false
		}
	}
	return true
}

// hasEscaped reports whether a character that a token can have is escaped: all of
// them escape as \u00XX and as nothing shorter.
func hasEscaped(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return false
		}
		b = b[i:]
		if c, ok := escapedASCII(b); ok && isTokenByte(c) {
			return true
		}
		b = b[min(2, len(b)):]
	}
}

func isTokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-'
}

// unescaped is a JSON text with its characters below U+0080 written plainly: to be
// searched, and no JSON any more.
func unescaped(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			continue
		}
		if c, ok := escapedASCII(raw[i:]); ok {
			out = append(out, c)
			i += len(`\u0000`) - 1
			continue
		}
		out = append(out, raw[i], raw[i+1]) // \\ is one character, whatever follows
		i++
	}
	return out
}

func escapedASCII(s []byte) (byte, bool) {
	if len(s) < len(`\u0000`) || string(s[:4]) != `\u00` {
		return 0, false
	}
	high, low := hexDigit(s[4]), hexDigit(s[5])
	return byte(high<<4 | low), high >= 0 && high < 8 && low >= 0
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
