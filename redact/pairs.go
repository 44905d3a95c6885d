package redact

import "github.com/ostiary/ostiary/wire"

// pairs are the names of entries whose name and value are two members of one object,
// {"name":"DB_PASSWORD","value":"…"}, as lists of environment variables have them: by
// depth, of the object that is open there.
type pairs []struct {
	object int // where it begins
	name   string
}

// isName reports whether a literal is the name of such an entry, if it is one.
func isName(w *wire.TextWalk) bool {
	switch string(w.Key()) {
	case "name", "Name", "NAME", "key", "Key", "KEY", "variable":
		_, object, ok := w.Container()
		return ok && object
	}
	return false
}

// set notes a name.
func (p *pairs) set(w *wire.TextWalk, name string) {
	for len(*p) <= w.Depth() {
		*p = append(*p, struct {
			object int
			name   string
		}{-1, ""})
	}
	at := &(*p)[w.Depth()]
	at.object, _, _ = w.Container()
	at.name = name
}

// of is the name that stands before a literal, if that is the value of the entry.
func (p pairs) of(w *wire.TextWalk) string {
	if w.Depth() >= len(p) {
		return ""
	}
	switch string(w.Key()) {
	case "value", "Value", "VALUE":
		if at := p[w.Depth()]; at.name != "" {
			if object, is, _ := w.Container(); is && object == at.object {
				return at.name
			}
		}
	}
	return ""
}
