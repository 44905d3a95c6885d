package wire

import (
	"bytes"
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
// could do about equal keys too, since one comparison is enough for both.
type keySet struct {
	arena []byte
	ends  []int // end of each key in arena; it starts where the previous one ends
}

// scope is one object's part of a keySet.
type scope struct {
	arena, ends int
	seen        map[string]struct{}
}

func (k *keySet) open() scope { return scope{arena: len(k.arena), ends: len(k.ends)} }

func (k *keySet) close(s scope) {
	k.arena, k.ends = k.arena[:s.arena], k.ends[:s.ends]
}

// add notes a key given as a raw JSON string, folded or not. It returns the key
// in that form (valid until the next add) and whether the object has it already.
func (k *keySet) add(s *scope, raw []byte, fold bool) (key []byte, twin bool) {
	start := len(k.arena)
	text, escaped := raw[1:len(raw)-1], bytes.IndexByte(raw, '\\') >= 0
	if escaped && fold {
		text, _ = jsontext.AppendUnquote(nil, raw)
	}
	switch {
	case fold:
		k.arena = appendFold(k.arena, text)
	case escaped:
		k.arena, _ = jsontext.AppendUnquote(k.arena, raw)
	default:
		k.arena = append(k.arena, text...)
	}
	key = k.arena[start:]
	if s.seen != nil {
		if _, ok := s.seen[string(key)]; ok {
			return key, true
		}
		s.seen[string(key)] = struct{}{}
		k.arena = k.arena[:start] // the map keeps it
		return key, false
	}
	from := s.arena
	for _, end := range k.ends[s.ends:] {
		if end-from == len(key) && bytes.Equal(k.arena[from:end], key) {
			return key, true
		}
		from = end
	}
	k.ends = append(k.ends, len(k.arena))
	if len(k.ends)-s.ends > manyKeys {
		s.seen = make(map[string]struct{}, 4*manyKeys)
		from = s.arena
		for _, end := range k.ends[s.ends:] {
			s.seen[string(k.arena[from:end])] = struct{}{}
			from = end
		}
	}
	return key, false
}
