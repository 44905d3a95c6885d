package detect

import (
	"slices"
	"strings"
	"sync"
)

// names are the tools that a text may name.
type names struct {
	list    func(upstream string) []string
	anchors []anchor // those of every text
	known   sync.Map // upstream -> *nameSet
}

// nameSet is one list of names, and where to begin reading in a text that may hold
// them.
type nameSet struct {
	list   []string // as it was given, to know it again
	set    map[string]struct{}
	sparks *sparks
}

// namesMost is how many names of a list kindle. The others are known, but looked for
// only near to what kindles otherwise.
const namesMost = 1 << 10

// of returns the names that a text of an upstream may hold; nil if there are none.
func (n *names) of(upstream string) *nameSet {
	if n.list == nil {
		return nil
	}
	list := n.list(upstream)
	if len(list) == 0 {
		return nil
	}
	if old, ok := n.known.Load(upstream); ok && old.(*nameSet).is(list) {
		return old.(*nameSet)
	}
	var same *nameSet // another upstream may have the same list
	n.known.Range(func(_, other any) bool {
		if other.(*nameSet).is(list) {
			same = other.(*nameSet)
		}
		return same == nil
	})
	if same != nil {
		n.known.Store(upstream, same)
		return same
	}
	s := &nameSet{list: list, set: make(map[string]struct{}, len(list))}
	kindling := slices.Clip(n.anchors)
	for _, name := range list {
		if !telling(name) {
			continue
		}
		s.set[name] = struct{}{}
		if len(name) >= anchorMin && len(s.set) <= namesMost {
			kindling = append(kindling, anchor{text: name, kind: kindRead})
		}
	}
	s.sparks = newSparks(kindling)
	n.known.Store(upstream, s)
	return s
}

// telling reports whether a name is more than an ordinary word: it has a sign or a
// capital within.
func telling(name string) bool {
	return len(name) <= longestName && len(name) > 1 && strings.ContainsAny(name[1:], "_-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// is reports whether the list is the one that the set was made of.
func (s *nameSet) is(list []string) bool {
	return len(s.list) == len(list) && &s.list[0] == &list[0]
}

func (s *nameSet) has(name []byte) bool {
	_, ok := s.set[string(name)]
	return ok
}
