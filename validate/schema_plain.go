package validate

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"
)

// plain is a part of a schema that says no more than which types there are and
// which members: nearly all calls are judged by such parts alone, without the walk
// and the library. It only ever says yes. Whatever it does not say yes to, since it
// is wrong or rare, is judged in full.
type plain struct {
	types    kinds
	required []string
	// properties are the members that are known; nil is one whose schema says more.
	properties map[string]*plain
	items      *plain
}

// kinds is a set of types.
type kinds uint8

const (
	aString kinds = 1 << iota
	aNumber
	anInteger
	aBoolean
	aNull
	anObject
	anArray
)

// plainBudget bounds what is looked at here: the walk counts the rest.
const plainBudget = 10_000

// plainOf returns nil if the schema says more.
func plainOf(s *jsonschema.Schema, depth int) *plain {
	if s == nil || depth > maxSchemaDepth {
		return nil
	}
	p := &plain{required: s.Required}
	for _, t := range append([]string{s.Type}, s.Types...) {
		p.types |= map[string]kinds{
			"string": aString, "number": aNumber | anInteger, "integer": anInteger, "boolean": aBoolean, "null": aNull, "object": anObject, "array": anArray,
		}[t]
	}
	rest := *s
	rest.Type, rest.Types, rest.Required, rest.Properties, rest.Items = "", nil, nil, nil, nil
	// None of these says which values are right.
	rest.Schema, rest.Comment, rest.Title, rest.Description, rest.Default, rest.Examples, rest.Format = "", "", "", "", nil, nil, ""
	rest.Deprecated, rest.ReadOnly, rest.WriteOnly, rest.Extra, rest.PropertyOrder, rest.Defs, rest.Definitions = false, false, false, nil, nil, nil, nil
	// A member that is not known is left to the full check in any case.
	rest.AdditionalProperties = nil
	if p.types == 0 || !reflect.ValueOf(rest).IsZero() {
		return nil
	}
	p.properties = make(map[string]*plain, len(s.Properties))
	for name, sub := range s.Properties {
		p.properties[name] = plainOf(sub, depth+1)
	}
	p.items = plainOf(s.Items, depth+1)
	return p
}

// allows says yes, or that it does not know.
func (p *plain) allows(v any, budget *int) bool {
	if *budget--; p == nil || *budget < 0 {
		return false
	}
	switch v := v.(type) {
	case string:
		return p.types&aString != 0
	case bool:
		return p.types&aBoolean != 0
	case nil:
		return p.types&aNull != 0
	case json.Number:
		_, err := strconv.ParseInt(string(v), 10, 64)
		return err == nil && p.types&anInteger != 0
	case []any:
		if p.types&anArray == 0 {
			return false
		}
		for _, e := range v {
			if !p.items.allows(e, budget) {
				return false
			}
		}
		return true
	case map[string]any:
		if p.types&anObject == 0 {
			return false
		}
		for _, name := range p.required {
			if _, ok := v[name]; !ok {
				return false
			}
		}
		for name, e := range v {
			if !p.properties[name].allows(e, budget) {
				return false
			}
		}
		return true
	}
	return false
}
