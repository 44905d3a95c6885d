package redact

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

const ruleKnown = "known"

// index finds all known secrets and shapes in one pass. Three bytes select what
// could begin at a place: a bitmap in the first-level cache answers for nearly
// all places, the tables only for the rest.
type index struct {
	bits  *[1 << 16 / 64]uint64 // one bit a hash of three bytes
	known map[uint32][]string   // by the first three bytes
	// shapes are sorted by the first byte of their prefix.
	shapes [256][]shape
	// deep says that shapes count in the views of a text too.
	deep bool
}

func newIndex(shapes []shape) *index {
	x := &index{bits: new([1 << 16 / 64]uint64), known: map[uint32][]string{}}
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

func bit(k uint32) (word uint32, mask uint64) {
	h := k * 2654435761 >> 16
	return h / 64, 1 << (h % 64)
}

func (x *index) mark(k uint32) {
	word, mask := bit(k)
	x.bits[word] |= mask
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
	if len(s) < 3 {
		return spans
	}
	next := 0 // shapes do not overlap
	k := three(s) << 8
	bits := x.bits
	for i := range len(s) - 2 {
		k = k>>8 | uint32(s[i+2])<<16
		word, mask := bit(k)
		if bits[word]&mask == 0 {
			continue
		}
		longest := 0
		for _, f := range x.known[k] {
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
