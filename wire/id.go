package wire

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxExponent bounds the exponent of a number used as an id, so that comparing
// ids stays exact in 64-bit arithmetic.
const maxExponent = 1 << 40

// idKey returns the canonical form of a string or number token, by which two
// ids are compared: "s:" and the decoded string, or "n:" and the exact value.
// It returns "" for anything else.
func idKey(tok []byte) string {
	if len(tok) == 0 {
		return ""
	}
	switch c := tok[0]; {
	case c == '"':
		if bytes.IndexByte(tok, '\\') < 0 {
			return "s:" + string(tok[1:len(tok)-1])
		}
		b, err := jsontext.AppendUnquote([]byte("s:"), tok)
		if err != nil {
			return ""
		}
		return string(b)
	case c == '-' || '0' <= c && c <= '9':
		return numberKey(tok)
	}
	return ""
}

// numberKey normalises a JSON number without rounding it: 1, 1.0 and 10e-1 have
// one key. It returns "" if the exponent is absurd.
func numberKey(tok []byte) string {
	neg := tok[0] == '-'
	if neg {
		tok = tok[1:]
	}
	exp := int64(0)
	if i := bytes.IndexAny(tok, "eE"); i >= 0 {
		e, err := strconv.ParseInt(string(tok[i+1:]), 10, 64)
		if err != nil || e > maxExponent || e < -maxExponent {
			return ""
		}
		exp, tok = e, tok[:i]
	}
	digits := tok
	if i := bytes.IndexByte(tok, '.'); i >= 0 {
		frac := tok[i+1:]
		exp -= int64(len(frac))
		digits = append(append(make([]byte, 0, len(tok)), tok[:i]...), frac...)
	}
	digits = bytes.TrimLeft(digits, "0")
	n := len(digits)
	digits = bytes.TrimRight(digits, "0")
	exp += int64(n - len(digits))
	if len(digits) == 0 {
		return "n:0"
	}
	var room [64]byte // for nearly all
	out := append(room[:0], "n:"...)
	if neg {
		out = append(out, '-')
	}
	out = append(out, digits...)
	if exp >= 0 && exp <= 20 {
		for range exp {
			out = append(out, '0')
		}
		return string(out)
	}
	return string(strconv.AppendInt(append(out, 'e'), exp, 10))
}
