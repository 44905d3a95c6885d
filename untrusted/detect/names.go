package detect

import "sync"

// names are the tools that a text may name. A name that is an ordinary word does
// not count: only one with a sign or a capital in it says what it means.
type names struct {
	list  func(upstream string) []string
	known sync.Map // upstream -> *nameSet
}

type nameSet struct {
	list []string // as it was given, to know it again
	set  map[string]struct{}
}

// of returns a function that knows the names; nil if there are none.
func (n *names) of(upstream string) func(string) bool {
	if n.list == nil {
		return nil
	}
	list := n.list(upstream)
	if len(list) == 0 {
		return nil
	}
	if old, ok := n.known.Load(upstream); ok {
		if s := old.(*nameSet); len(s.list) == len(list) && &s.list[0] == &list[0] {
			return s.has
		}
	}
	s := &nameSet{list: list, set: make(map[string]struct{}, len(list))}
	for _, name := range list {
		s.set[name] = struct{}{}
	}
	n.known.Store(upstream, s)
	return s.has
}

func (s *nameSet) has(name string) bool {
	_, ok := s.set[name]
	return ok
}
