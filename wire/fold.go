package wire

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// manyKeys is the number of keys of one object above which twins are looked up
// in a map instead of compared one by one.
const manyKeys = 16

// appendFold appends s with every rune replaced by the smallest one of its
// simple folding orbit, so that two keys are equal but for case exactly if their
// folded forms are equal. ASCII letters become upper case.
func appendFold(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		dst = utf8.AppendRune(dst, smallestFold(r))
		i += n
	}
	return dst
}

// Fold returns s with letters that differ only by case made equal (Unicode
// simple folding): Fold(a) == Fold(b) exactly if strings.EqualFold(a, b). It is
// how Decode compares the keys of one object.
func Fold(s string) string { return string(appendFold(nil, []byte(s))) }

func smallestFold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// keySet holds the keys of the objects that are open, innermost last, in one
// arena, so that a small object costs no allocation. It does what the decoder
// could do about equal keys too, since one comparison is enough for both. It never
// points into itself, so it can lie on the stack.
type keySet struct {
	few   [256]byte // the arena, as long as it is large enough
	count [24]int   // ends, likewise
	used  int       // of few
	n     int       // of count
	arena []byte    // nil while few is used
	ends  []int     // end of each key in the arena; it starts where the previous one ends
}

// scope is one object's part of a keySet.
type scope struct {
	arena, ends int
	seen        map[string]struct{}
}

func (k *keySet) text() []byte {
	if k.arena != nil {
		return k.arena
	}
	return k.few[:k.used]
}

func (k *keySet) all() []int {
	if k.ends != nil {
		return k.ends
	}
	return k.count[:k.n]
}

func (k *keySet) open() scope { return scope{arena: len(k.text()), ends: len(k.all())} }

func (k *keySet) close(s scope) {
	k.cut(s.arena)
	if k.ends != nil {
		k.ends = k.ends[:s.ends]
	} else {
		k.n = s.ends
	}
}

// cut forgets the arena from here on.
func (k *keySet) cut(at int) {
	if k.arena != nil {
		k.arena = k.arena[:at]
	} else {
		k.used = at
	}
}

// put adds a key to the arena, folded or not, and returns it. Folding makes no text
// longer; a byte that is none becomes three.
func (k *keySet) put(text []byte, fold bool) []byte {
	switch most := 3 * len(text); {
	case k.arena != nil:
		k.arena = slices.Grow(k.arena, most)
	case k.used+most > len(k.few):
		k.arena = append(make([]byte, 0, 4*len(k.few)+most), k.few[:k.used]...)
	}
	arena := k.text()
	key := arena[len(arena):]
	if fold {
		key = appendFold(key, text)
	} else {
		key = append(key, text...)
	}
	if k.arena != nil {
		k.arena = k.arena[:len(arena)+len(key)]
	} else {
		k.used += len(key)
	}
	return key
}

func (k *keySet) end(at int) {
	switch {
	case k.ends != nil:
		k.ends = append(k.ends, at)
	case k.n == len(k.count):
		k.ends = append(append(make([]int, 0, 4*len(k.count)), k.count[:]...), at)
	default:
		k.count[k.n] = at
		k.n++
	}
}

// add notes a key given as a raw JSON string, folded or not. It returns the key
// in that form (valid until the next add) and whether the object has it already.
func (k *keySet) add(s *scope, raw []byte, fold bool) (key []byte, twin bool) {
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		text, _ = jsontext.AppendUnquote(nil, raw)
	}
	key = k.put(text, fold)
	if s.seen != nil {
		if _, ok := s.seen[string(key)]; ok {
			return key, true
		}
		s.seen[string(key)] = struct{}{}
		k.cut(len(k.text()) - len(key)) // the map keeps it
		return key, false
	}
	arena, from := k.text(), s.arena
	for _, end := range k.all()[s.ends:] {
		if end-from == len(key) && bytes.Equal(arena[from:end], key) {
			return key, true
		}
		from = end
	}
	k.end(len(arena))
	if ends := k.all()[s.ends:]; len(ends) > manyKeys {
		s.seen = make(map[string]struct{}, 4*manyKeys)
		from = s.arena
		for _, end := range ends {
			s.seen[string(arena[from:end])] = struct{}{}
			from = end
		}
	}
	return key, false
}
