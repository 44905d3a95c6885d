package redact

import (
	"hash/maphash"

	"github.com/ostiary/ostiary/wire"
)

// isBinary reports whether a literal is the base64 of an image, a sound or a blob (MCP:
// blob of a resource, data of image and audio content). Only what is written in
// that alphabet counts: a text in its place is looked at.
func isBinary(w *wire.TextWalk, body []byte, inside string) bool {
	if w.IsKey() {
		return false
	}
	switch string(w.Key()) {
	case "blob":
	case "data":
		at, object, ok := w.Container()
		if !ok || !object {
			return false
		}
		kind, _ := wire.Member(body[at:], "type")
		if k := string(kind); k != `"image"` && k != `"audio"` {
			return false
		}
	default:
		return false
	}
	for i := range len(inside) {
		if !inBlob[inside[i]] {
			return false
		}
	}
	return true
}

// inBlob are the characters of base64 as MCP has it.
var inBlob = func() (t [256]bool) {
	for c, v := range sextets {
		t[c] = v != 0xff && c != '-' && c != '_'
	}
	t['='] = true
	return t
}()

// twins reports whether two keys of one object are equal.
func twins(body []byte) bool {
	type key struct {
		container int
		name      uint64
	}
	seed, seen := maphash.MakeSeed(), map[key]bool{}
	for w := wire.Texts(body); w.Next(); {
		if !w.IsKey() {
			continue
		}
		at, _, _ := w.Container()
		k := key{at, maphash.Bytes(seed, wire.AppendUnquoted(nil, body[w.Start():w.End()]))}
		if seen[k] {
			return true
		}
		seen[k] = true
	}
	return false
}
