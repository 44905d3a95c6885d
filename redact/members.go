package redact

import (
	"strings"

	"github.com/ostiary/ostiary/wire"
)

// keysOver are the keys over a place in a JSON value, by depth, that may make a
// secret of what stands under them; "" for all others.
type keysOver []string

// set notes the key of a member.
func (k *keysOver) set(depth int, name string) {
	for len(*k) <= depth {
		*k = append(*k, "")
	}
	(*k)[depth] = name
}

// over is the key of a value; an item of an array has that of the array.
func (k keysOver) over(w *wire.TextWalk) string {
	if depth := w.KeyDepth(); depth < len(k) && depth > 0 {
		return k[depth]
	}
	return ""
}

// hitIn reports whether one of the sorted hits from *next on lies in a literal, and
// moves *next behind it.
func hitIn(hits []int, next *int, start, end int) (hit bool) {
	for *next < len(hits) && hits[*next] <= end {
		hit = hit || hits[*next] > start
		*next++
	}
	return hit
}

// members looks at a text that is itself JSON for members whose key makes a secret
// of their value.
func (s *search) members(dst []secret, text string, views int) []secret {
	if views == 0 || !opensJSON(text) {
		return dst
	}
	from := len(s.hits)
	s.hits = s.engine.Hits(s.hits, lend(text))
	dst = s.membersAt(dst, text, s.hits[from:], views)
	s.hits = s.hits[:from]
	return dst
}

// membersAt does so where hits are the places behind words of rules.
func (s *search) membersAt(dst []secret, text string, hits []int, views int) []secret {
	if len(hits) == 0 {
		return dst
	}
	next := 0
	var keys keysOver
	var named pairs
	for w := wire.Texts(lend(text)); w.Next(); {
		start, end := w.Start()+1, w.End()-1
		hit := hitIn(hits, &next, start, end)
		if w.IsKey() {
			name := ""
			if hit {
				name = s.plain(text[start:end])
			}
			keys.set(w.Depth(), name)
			continue
		}
		name := keys.over(&w)
		if name == "" {
			name = named.of(&w)
		}
		if hit && isName(&w) {
			named.set(&w, s.plain(text[start:end]))
		}
		if name == "" && !hit {
			continue
		}
		value := s.plain(text[start:end])
		if name != "" {
			if rule, ok := s.engine.Assigned(name, value); ok {
				dst = append(dst, secret{start, end, rule, value})
			}
		}
		if hit {
			inside := len(dst)
			dst = s.members(dst, value, views-1)
			if len(value) != end-start {
				back(text[start:end], dst[inside:], view{'\\', escapeOne})
			}
			for i := range dst[inside:] {
				dst[inside+i].start += start
				dst[inside+i].end += start
			}
		}
	}
	return dst
}

// opensJSON reports whether a text may be an object or an array.
func opensJSON(text string) bool {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	return trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[')
}

// plain is what the inside of a literal means.
func (s *search) plain(inside string) string {
	if strings.IndexByte(inside, '\\') < 0 {
		return inside
	}
	return s.decoded(wire.AppendInside(s.arena, lend(inside)), len(s.arena))
}
