package untrusted

import (
	"bytes"
	"encoding/binary"

	"github.com/ostiary/ostiary/wire"
)

// plainLiteral reports whether the inside of a raw JSON string is ASCII that hides
// nothing, with no escapes but those of tabs, line ends, quotes and slashes. Such a
// string need not be decoded.
func plainLiteral(raw []byte) bool {
	for i := 0; i < len(raw); {
		for i+8 <= len(raw) { // eight at a time: none above 0x7e, no backslash
			w := binary.LittleEndian.Uint64(raw[i:])
			back := w ^ '\\'*ones
			if (w|(w+ones)|(back-ones)&^back)&(ones<<7) != 0 {
				break
			}
			i += 8
		}
		if i == len(raw) {
			return true
		}
		switch c := raw[i]; {
		case c == '\\':
			if !plainEscape(raw[i:]) {
				return false
			}
			i += 2
		case c >= 0x7f:
			return false
		default:
			i++
		}
	}
	return true
}

func plainEscape(raw []byte) bool {
	if len(raw) < 2 {
		return false
	}
	switch raw[1] {
	case 'n', 't', '"', '\\', '/':
		return true
	case 'r':
		return len(raw) > 3 && raw[2] == '\\' && raw[3] == 'n'
	}
	return false
}

// decoded is what a JSON string means.
func decoded(literal []byte) string {
	if inside := literal[1 : len(literal)-1]; bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	return string(wire.AppendUnquoted(make([]byte, 0, len(literal)), literal))
}
