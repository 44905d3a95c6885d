package redact

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

const ruleKnown = "known"

// index finds all known secrets and shapes in one pass. Three bytes select what
// could begin at a place, and two of them nearly all places where nothing does: bitmaps
// in the first-level cache answer for those, the tables only for the rest.
type index struct {
	bits  *bitmap             // one bit a hash of three bytes
	pairs *bitmap             // one bit two bytes: the first two of three, and the last two
	known map[uint32][]string // by the first three bytes
	// shapes are sorted by the first byte of their prefix.
	shapes [256][]shape
	// deep says that shapes count in the views of a text too.
	deep bool
}

func newIndex(shapes []shape) *index {
	x := &index{bits: new(bitmap), pairs: new(bitmap), known: map[uint32][]string{}}
	for _, s := range shapes {
		x.mark(three(s.prefix))
		x.shapes[s.prefix[0]] = append(x.shapes[s.prefix[0]], s)
	}
	return x
}

// strict is the same index for the eye. It shares what is known.
func (x *index) strict() *index {
	eye := *x
	for first, list := range x.shapes {
		list = slices.Clone(list)
		for i := range list {
			if list[i].rule == rulePassword {
				list[i].match = strictPassword
			}
		}
		eye.shapes[first] = list
	}
	return &eye
}

func (x *index) empty() bool { return len(x.known) == 0 }

func three(s string) uint32 { return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 }

// bitmap has a bit for each number of 16 bits.
type bitmap [1 << 16 / 64]uint64

func (m *bitmap) set(n uint16)            { m[n/64] |= 1 << (n % 64) }
func (m *bitmap) bit(n uint16) (b uint64) { return m[n/64] >> (n % 64) & 1 }

func hash3(k uint32) uint16 { return uint16(k * 2654435761 >> 16) }

func (x *index) mark(k uint32) {
	x.bits.set(hash3(k))
	x.pairs.set(uint16(k))
	x.pairs.set(uint16(k >> 8))
}

// candidate is the first place from i on at which something may begin, len(s) if there is
// none. Two bytes in each second place tell of two places, whether they are the second and
// third of what begins there, or the first and second.
func (x *index) candidate(s string, i int) int {
	raw, pairs := lend(s), x.pairs
	for ; i+2 < len(s); i += 8 {
		if i+9 <= len(raw) {
			w := binary.LittleEndian.Uint64(raw[i+1:])
			if pairs.bit(uint16(w))|pairs.bit(uint16(w>>16))|pairs.bit(uint16(w>>32))|pairs.bit(uint16(w>>48)) == 0 {
				continue
			}
		}
		for n := i; n < i+8 && n+2 < len(s); n++ {
			if x.bits.bit(hash3(three(s[n:]))) != 0 {
				return n
			}
		}
	}
	return len(s)
}

func (x *index) add(secret string) {
	for _, f := range forms(secret) {
		k := three(f)
		x.known[k] = append(x.known[k], f)
		x.mark(k)
	}
}

// scan adds every place where a known secret stands and, if asked, every shape.
func (x *index) scan(spans []span, s string, withShapes bool) []span {
	next := 0 // shapes do not overlap
	for i := x.candidate(s, 0); i < len(s); i = x.candidate(s, i+1) {
		longest := 0
		for _, f := range x.known[three(s[i:])] {
			if len(f) > longest && strings.HasPrefix(s[i:], f) {
				longest = len(f)
			}
		}
		if longest > 0 {
			spans = append(spans, span{i, i + longest, ruleKnown})
		}
		if withShapes && i >= next {
			if p, ok := x.shapeAt(s, i); ok {
				spans = append(spans, p)
				next = p.end
			}
		}
	}
	return spans
}

// forms are the ways in which a secret is written. Percent-encoding and JSON's
// escapes have too many; views undo those.
func forms(secret string) []string {
	b := []byte(secret)
	all := []string{
		secret, strings.ReplaceAll(secret, " ", "+"),
		hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
	}
	for shift := range 3 {
		// With 0, 1 or 2 bytes before it in its group the secret encodes in three
		// ways. The characters at the edges hold bits of its neighbours; what is
		// between them is always the same.
		padded := append(make([]byte, shift), b...)
		from, to := (shift*8+5)/6, len(padded)*8/6
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, e.EncodeToString(padded)[from:to])
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, f := range all {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}
