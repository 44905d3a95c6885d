package untrusted

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/ostiary/ostiary/internal/swar"
	"github.com/ostiary/ostiary/wire"
)

// look reads string literals, each of them once: it finds the end, decodes the text,
// and notices what may hide in it and what looks like a fence. It is used again.
type look struct {
	room []byte // as long as any text of the body, and sixteen bytes more

	text []byte // what the literal means, until the next one is read
	// calm says that nothing hides in it, for sure: it has no escapes but those of
	// tabs, line ends, quotes and slashes, and no word of two alphabets.
	calm  bool
	seals []int // if it is calm: where in the body a backslash belongs, as sealed has it

	known []byte // what the literal means, if that was read before; nil if not
	ends  int    // and where it ends
}

// into makes room for the literals of a body.
func (k *look) into(body []byte) {
	if len(k.room) < len(body)+16 {
		k.room = make([]byte, len(body)+16)
	}
}

// at reads the literal whose inside begins at from. It returns where it ends, its
// quotation mark included; -1 if it does not.
func (k *look) at(b []byte, from int) (end int) {
	k.calm, k.text, k.seals = true, nil, k.seals[:0]
	out, n, i := k.room, 0, from
	for i < len(b) {
		if i+8 <= len(b) { // eight at a time: none of the signs below
			w := binary.LittleEndian.Uint64(b[i:])
			binary.LittleEndian.PutUint64(out[n:], w)
			if found := signed(w) & highs; found != 0 {
				skip := bits.TrailingZeros64(found) / 8 // the first of them is one for sure
				i, n = i+skip, n+skip
				goto sign
			}
			i, n = i+8, n+8
		}
		for i+16 <= len(b) { // or sixteen
			from, to := b[i:i+16], out[n:n+16]
			w, x := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
			binary.LittleEndian.PutUint64(to, w)
			binary.LittleEndian.PutUint64(to[8:], x)
			if found := signed(w) & highs; found != 0 {
				skip := bits.TrailingZeros64(found) / 8
				i, n = i+skip, n+skip
				goto sign
			}
			if found := signed(x) & highs; found != 0 {
				skip := bits.TrailingZeros64(found)/8 + 8
				i, n = i+skip, n+skip
				goto sign
			}
			i, n = i+16, n+16
		}
		if i == len(b) {
			break
		}
	sign:
		switch c := b[i]; {
		case c == '"':
			if k.text = out[:n]; n >= entityFence && entityOpens(k.text) {
				k.calm, k.seals = false, k.seals[:0]
			}
			return i + 1
		case c == '\\':
			if i+1 == len(b) {
				return -1
			}
			plain := calmEscape(b[i+1:])
			if plain == 0 {
				return k.restless(b, from, i, n)
			}
			out[n] = plain
			i, n = i+2, n+1
		case c < 0x7f:
			out[n] = c
			i, n = i+1, n+1
			if (c == '<' || c == '[') && opensRaw(b[i:]) {
				k.seals = append(k.seals, i)
			}
		default:
			for i < len(b) && b[i] >= 0x7f { // one after another, as most writing has them
				if b[i] >= 0xcd && b[i] <= 0xd6 && i+1 < len(b) && alphabets[letterOf(b[i:])] != 0 {
					var ok bool
					if i, n, ok = k.mixes(b, i, n); !ok {
						return k.restless(b, from, i, n)
					}
					continue
				}
				size := calmRune(b[i:])
				opens := false
				if size == 0 {
					if size = openerIn(b[i:]); size == 0 {
						return k.restless(b, from, i, n)
					}
					opens = true
				}
				if i+4 <= len(b) {
					binary.LittleEndian.PutUint32(out[n:], binary.LittleEndian.Uint32(b[i:]))
				} else {
					copy(out[n:], b[i:i+size])
				}
				if i, n = i+size, n+size; opens && opensRaw(b[i:]) {
					k.seals = append(k.seals, i)
				}
			}
		}
	}
	return -1
}

// plain takes a literal that was read before: b ends with it, text is what it means.
// It has no rare escapes, and nothing beyond printable ASCII but what is calm.
func (k *look) plain(b []byte, from int, text []byte) {
	k.calm, k.text, k.seals = true, text, k.seals[:0]
	if entityOpens(text) {
		k.calm = false
		return
	}
	for _, opener := range [2]byte{'<', '['} {
		for i := from; ; {
			n := bytes.IndexByte(b[i:], opener)
			if n < 0 {
				break
			}
			if i += n + 1; opensRaw(b[i:]) { // what stands behind it
				k.seals = append(k.seals, i)
			}
		}
	}
	slices.Sort(k.seals)
}

// signed marks those of eight bytes that mean more than themselves: quotation marks,
// openers, backslashes, and all from 0x7f on. The lowest mark is true, others may not
// be: what is beyond ASCII is marked by itself, so nothing else needs to be exact there.
func signed(w uint64) uint64 {
	return (w ^ '"'*ones - ones) | (w ^ '<'*ones - ones) | (w ^ '['*ones - ones) | (w ^ '\\'*ones - ones) | w | (w + ones)
}

const ones, highs = swar.Ones, swar.Highs

// restless reads on where something may hide: i is the next byte, n how many were
// decoded.
func (k *look) restless(b []byte, from, i, n int) (end int) {
	k.calm, k.seals = false, k.seals[:0]
	if k.known != nil {
		k.text = k.known
		return k.ends
	}
	out, numbers := k.room, false
	for i < len(b) {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			binary.LittleEndian.PutUint64(out[n:], w)
			quote, back := w^'"'*ones, w^'\\'*ones
			if found := ((quote-ones)&^quote | (back-ones)&^back) & highs; found != 0 {
				skip := bits.TrailingZeros64(found) / 8
				i, n = i+skip, n+skip
				break
			}
			i, n = i+8, n+8
		}
		if i == len(b) {
			break
		}
		switch c := b[i]; c {
		case '"':
			if k.text = out[:n]; numbers {
				k.text = wire.AppendUnquoted(out[:0], b[from-1:i+1])
			}
			return i + 1
		case '\\':
			if i+1 == len(b) {
				return -1
			}
			out[n] = escapes[b[i+1]]
			numbers = numbers || out[n] == 0
			i, n = i+2, n+1
		default:
			out[n] = c
			i, n = i+1, n+1
		}
	}
	return -1
}

// escapes are what the letters behind a backslash stand for. It is never written to.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// calmEscape is what the letter behind a backslash stands for if it hides nothing, 0
// if it may.
func calmEscape(behind []byte) byte {
	switch c := behind[0]; c {
	case 'b', 'f':
		return 0
	case 'r':
		if len(behind) < 3 || behind[1] != '\\' || behind[2] != 'n' {
			return 0
		}
		return '\r'
	default:
		return escapes[c]
	}
}
