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

func smallestFold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// foldSet holds the folded keys of the objects that are open, innermost last.
// It works in one arena, so that a small object costs no allocation.
type foldSet struct {
	arena []byte
	ends  []int // end of each key in arena; it starts where the previous one ends
}

// scope is one object's part of a foldSet.
type scope struct {
	arena, ends int
	seen        map[string]struct{}
}

func (f *foldSet) open() scope { return scope{arena: len(f.arena), ends: len(f.ends)} }

func (f *foldSet) close(s scope) {
	f.arena, f.ends = f.arena[:s.arena], f.ends[:s.ends]
}

// add notes a key given as a raw JSON string, and returns its folded form (valid
// until the next add) and whether the object already has that key but for case.
func (f *foldSet) add(s *scope, raw []byte) (folded []byte, twin bool) {
	start := len(f.arena)
	if bytes.IndexByte(raw, '\\') < 0 {
		f.arena = appendFold(f.arena, raw[1:len(raw)-1])
	} else {
		key, _ := jsontext.AppendUnquote(nil, raw)
		f.arena = appendFold(f.arena, key)
	}
	folded = f.arena[start:]
	if s.seen == nil {
		from := s.arena
		for _, end := range f.ends[s.ends:] {
			if bytes.Equal(f.arena[from:end], folded) {
				return folded, true
			}
			from = end
		}
		f.ends = append(f.ends, len(f.arena))
		if len(f.ends)-s.ends > manyKeys {
			s.seen = make(map[string]struct{}, 4*manyKeys)
			from = s.arena
			for _, end := range f.ends[s.ends:] {
				s.seen[string(f.arena[from:end])] = struct{}{}
				from = end
			}
		}
		return folded, false
	}
	if _, ok := s.seen[string(folded)]; ok {
		return folded, true
	}
	s.seen[string(folded)] = struct{}{}
	f.arena = f.arena[:start] // the map keeps it
	return folded, false
}
