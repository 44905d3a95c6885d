package pin

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/ostiary/ostiary/wire"
)

// capabilities are what a server says in its handshake that it can do.
type capabilities struct {
	all map[string]json.RawMessage
	// groups are those whose members are the server's own inventions: a client that
	// finds one there speaks to the server in ways that nobody else knows. What the
	// protocol defines is no claim of that kind.
	groups map[string]map[string]json.RawMessage
	odd    bool // one of them is no object
}

// special reads the capabilities of a handshake; nil are none. Each experimental one
// and each extension is pinned by itself: that one is missing, which may depend on
// the client, changes nothing.
func special(raw []byte) (c capabilities, err error) {
	if raw == nil {
		return c, nil
	}
	if raw, err = wire.Canonical(raw); err != nil {
		return c, err
	}
	if json.Unmarshal(raw, &c.all) != nil { // no object, so it says nothing
		return capabilities{}, nil //nolint:nilerr // see above
	}
	c.groups = map[string]map[string]json.RawMessage{}
	for _, group := range []string{"experimental", "extensions"} {
		var members map[string]json.RawMessage
		if raw, has := c.all[group]; has && string(raw) != "null" {
			// What is no object has no members that could be accepted, and is not shown.
			c.odd = json.Unmarshal(raw, &members) != nil || c.odd
			c.groups[group] = members
		}
	}
	return c, nil
}

func (c capabilities) definitions() (all []Definition) {
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		for _, name := range slices.Sorted(maps.Keys(c.groups[group])) {
			all = append(all, Definition{Kind: KindCapability, Name: group + "/" + name, Text: c.groups[group][name]})
		}
	}
	return all
}

// accepted are the capabilities with the accepted form of each, and without those
// that have none; nil if that is all of them as they are.
func (c capabilities) accepted(shown func(name string, value []byte) ([]byte, error)) ([]byte, error) {
	same := !c.odd
	for group, members := range c.groups {
		kept := map[string]json.RawMessage{}
		for name, value := range members {
			now, err := shown(group+"/"+name, value)
			if err != nil {
				return nil, err
			}
			if now != nil {
				kept[name] = now
			}
			same = same && bytes.Equal(now, value)
		}
		raw, err := json.Marshal(kept)
		if err != nil {
			return nil, err
		}
		c.all[group] = raw
	}
	if same {
		return nil, nil
	}
	return json.Marshal(c.all)
}
