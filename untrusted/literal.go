package untrusted

import (
	"encoding/binary"
	"math/bits"

	"github.com/ostiary/ostiary/internal/swar"
)

// calmBeyond reports whether a literal has no character beyond printable ASCII but such
// as calmRune knows.
func calmBeyond(b []byte) bool {
	for i := 0; i < len(b); {
		if i+8 <= len(b) {
			found := swar.Odd(binary.LittleEndian.Uint64(b[i:]))
			if found == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(found) / 8
		}
		switch c := b[i]; {
		case c >= 0x80:
			size := calmRune(b[i:])
			if size == 0 {
				return false
			}
			i += size
		case c < ' ' || c == 0x7f:
			return false
		default:
			i++
		}
	}
	return true
}

// calmRune is the length of a character beyond ASCII that neither hides nor is an
// opener nor belongs to an alphabet that looks like the Latin one; 0 if it may, or
// if it is cut off. It goes by the bytes of UTF-8: see hides.go, word.go and seal.go for
// the characters.
func calmRune(b []byte) int {
	size := 3
	switch c := b[0]; {
	case c < 0xc2:
		return 0
	case c < 0xe0:
		size = 2
	case c >= 0xf0:
		size = 4
	}
	if len(b) < size {
		return 0
	}
	second, third := b[1], b[size-1]
	calm := true
	switch b[0] {
	case 0xc2:
		calm = second >= 0xa0 && second != 0xad && second != 0xab
	case 0xcb:
		calm = second != 0x82
	case 0xcd:
		calm = second < 0xb0 && second != 0x8f
	case 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6: // Greek, Cyrillic, Armenian
		calm = false
	case 0xd8:
		calm = second != 0x9c && second > 0x85
	case 0xdb:
		calm = second != 0x9d
	case 0xdc:
		calm = second != 0x8f
	case 0xe0:
		calm = (second != 0xa2 || third != 0x90 && third != 0x91) && (second != 0xa3 || third != 0xa2)
	case 0xe1:
		calm = second != 0x85 && second != 0x8e && second != 0x8f && second != 0x90 && second != 0x9e && second != 0xa0
	case 0xe2:
		switch second {
		case 0x80:
			calm = third >= 0x90 && third <= 0xa7
		case 0x81, 0x8c, 0x9d, 0x9f, 0xa0:
			calm = false
		case 0x89:
			calm = third != 0xaa && third != 0xae
		case 0x8b:
			calm = third != 0x96
		case 0xa6:
			calm = third != 0x91
		case 0xa7:
			calm = third != 0xbc
		}
	case 0xe3:
		calm = second != 0x85 && (second != 0x80 || third != 0x88 && third != 0x8a && third != 0x90 && third != 0x94 && third != 0x9a)
	case 0xef:
		calm = second < 0xb8 && (second != 0xb7 || third < 0x90 || third > 0xaf) || second == 0xba || second == 0xbd || second == 0xbc && third != 0x9c && third != 0xbb
	case 0xf0:
		calm = second != 0x9b && second != 0x9d && second != 0x91 && second != 0x93
	case 0xf3, 0xf4:
		calm = false
	}
	if !calm || size == 4 && second&0xf == 0xf && b[2] == 0xbf && third >= 0xbe {
		return 0
	}
	return size
}

// base64Literal reports whether the inside of a raw JSON string is base64, as a
// picture is. Lines may end in it, where they are as long as programs make them.
func base64Literal(raw []byte) bool {
	n, pads, line := 0, 0, 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
		case c == '=':
			pads++
			continue
		case c == '\\' && i+1 < len(raw):
			if i++; raw[i] == '/' {
				break
			}
			if raw[i] != 'n' && raw[i] != 'r' || line > 0 && pads == 0 && (line < lineLeast || line%4 != 0) && i+1 < len(raw) {
				return false
			}
			line = 0
			continue
		default:
			return false
		}
		if pads > 0 {
			return false
		}
		n++
		line++
	}
	return n%4 != 1 && (pads == 0 || pads <= 2 && (n+pads)%4 == 0)
}

// lineLeast is how long lines of base64 are at least.
const lineLeast = 60
