package wire

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ostiary/ostiary"
)

// The keys in params._meta that a client addresses to the door itself. In
// another case they are refused.
const (
	// MetaGrant holds a capability token; it never reaches the upstream.
	MetaGrant = "ostiary/grant"
	// MetaKey holds an idempotency key; it stays in the message.
	MetaKey = "ostiary/idempotency-key"
)

// Members are the members of one object in their order.
type Members struct {
	raw []byte
	all []member
}

// member is one key with its value: raw[start:end], the value raw[value:end].
type member struct {
	name              string
	start, value, end int
}

// ReadMembers finds the members of an object that Parse accepted. The error is
// an *ostiary.Error for anything that is no object.
func ReadMembers(obj []byte) (Members, error) {
	bad := refuse(ostiary.CodeWireParams, "an object was expected; send one")
	dec := jsontext.NewDecoder(bytes.NewBuffer(obj))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return Members{}, bad
	}
	m := Members{raw: obj}
	for dec.PeekKind() == '"' {
		key, err := dec.ReadValue()
		if err != nil {
			return Members{}, refuseSyntax(err)
		}
		start := int(dec.InputOffset()) - len(key)
		name, ok := decodeString(key)
		value, err := dec.ReadValue()
		if err != nil || !ok {
			return Members{}, refuseSyntax(err)
		}
		end := int(dec.InputOffset())
		m.all = append(m.all, member{name, start, end - len(value), end})
	}
	if _, err := dec.ReadToken(); err != nil {
		return Members{}, refuseSyntax(err)
	}
	return m, nil
}

// Rest is an object of the members that are not named, each as it is written and
// in their order; nil if there are none.
func (m Members) Rest(named ...string) []byte {
	var rest []byte
	for _, e := range m.all {
		if slices.Contains(named, e.name) {
			continue
		}
		rest = append(append(rest, ','), m.raw[e.start:e.end]...)
	}
	if rest == nil {
		return nil
	}
	rest[0] = '{'
	return append(rest, '}')
}

// Names are the names of the members in their order.
func (m Members) Names() []string {
	names := make([]string, len(m.all))
	for i, e := range m.all {
		names[i] = e.name
	}
	return names
}

// Len is how many members there are.
func (m Members) Len() int { return len(m.all) }

// Find returns the value of the member with this name, nil if there is none. It
// is an error if the only such member differs in upper and lower case: other
// programs could read it for this one.
func (m Members) Find(name string) ([]byte, error) {
	for _, e := range m.all {
		switch {
		case e.name == name:
			return m.raw[e.value:e.end:e.end], nil
		case strings.EqualFold(e.name, name):
			return nil, refuse(ostiary.CodeWireDuplicate, "a member is spelt in another case than it is known by; spell it "+string(Quote(name)))
		}
	}
	return nil, nil
}

// Edits returns what Splice needs to drop the members that drop names and to
// give the others the values of set, which is added where there is none; at is
// where the object begins in the message. A name is in one of the two at most.
func (m Members) Edits(at int, drop func(name string) bool, set []Setting) []Edit {
	var edits []Edit
	kept, keptEnd := 0, 0 // members left so far, and where the last of them ends
	for i, e := range m.all {
		if !drop(e.name) {
			kept, keptEnd = kept+1, e.end
			for _, s := range set {
				if s.Name == e.name {
					edits = append(edits, Edit{Start: at + e.value, End: at + e.end, With: s.Value})
				}
			}
			continue
		}
		rest := m.all[i+1:]
		if kept > 0 && m.dropsRest(i, drop) { // with the comma before it
			edits = append(edits, Edit{Start: at + keptEnd, End: at + m.all[len(m.all)-1].end})
			break
		}
		end := e.end
		if len(rest) > 0 { // with the comma behind it
			end = rest[0].start
		}
		edits = append(edits, Edit{Start: at + e.start, End: at + end})
	}
	return m.added(edits, at, kept, set)
}

// dropsRest reports whether no member behind i stays.
func (m Members) dropsRest(i int, drop func(string) bool) bool {
	for _, e := range m.all[i+1:] {
		if !drop(e.name) {
			return false
		}
	}
	return true
}

// Setting is a member with its value, which is JSON.
type Setting struct {
	Name  string
	Value []byte
}

// added inserts the settings that no member had, before the end of the object.
func (m Members) added(edits []Edit, at, kept int, set []Setting) []Edit {
	end := at + len(m.raw) - 1
	for _, s := range set {
		if m.has(s.Name) {
			continue
		}
		var with []byte
		if kept > 0 {
			with = append(with, ',')
		}
		kept++
		with = append(append(appendString(with, s.Name), ':'), s.Value...)
		edits = append(edits, Edit{Start: end, End: end, With: with})
	}
	return edits
}

func (m Members) has(name string) bool {
	for _, e := range m.all {
		if e.name == name {
			return true
		}
	}
	return false
}
