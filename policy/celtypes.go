package policy

import (
	"encoding/json"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/ostiary/ostiary"
)

// The struct types that a condition sees. Their names cannot be written in CEL.
const (
	callType      = "ostiary.Call"
	argsType      = "ostiary.Args"
	principalType = "ostiary.Principal"
)

// argTypes are the arguments that a tool's inputSchema declares, as CEL types.
type argTypes struct {
	fields map[string]*types.FieldType
	names  []string
	// free means that the schema names no arguments: call.args is then a map.
	free bool
	// more means that the schema admits arguments that it does not name.
	more bool
}

// newArgTypes reads the schema's top level. What is no schema it can read leaves
// the arguments free; whether a call fits the schema is another room's matter.
func newArgTypes(schema []byte) *argTypes {
	var s struct {
		Properties           map[string]json.RawMessage
		AdditionalProperties json.RawMessage
		PatternProperties    json.RawMessage
		AllOf, AnyOf, OneOf  json.RawMessage
		If                   json.RawMessage
		Ref                  json.RawMessage `json:"$ref"`
	}
	if json.Unmarshal(schema, &s) != nil || len(s.Properties) == 0 {
		return &argTypes{free: true}
	}
	a := &argTypes{fields: make(map[string]*types.FieldType, len(s.Properties))}
	for name, sub := range s.Properties {
		a.names = append(a.names, name)
		a.fields[name] = argField(name, schemaType(sub))
	}
	slices.Sort(a.names)
	a.more = len(s.AdditionalProperties) > 0 && string(s.AdditionalProperties) != "false"
	for _, other := range []json.RawMessage{s.PatternProperties, s.AllOf, s.AnyOf, s.OneOf, s.If, s.Ref} {
		a.more = a.more || len(other) > 0
	}
	return a
}

func (a *argTypes) has(name string) bool { return a.fields[name] != nil }

// schemaType returns the one CEL type that a subschema states, else dyn.
func schemaType(sub []byte) *types.Type {
	var s struct {
		Type json.RawMessage
	}
	var name string
	if json.Unmarshal(sub, &s) != nil || json.Unmarshal(s.Type, &name) != nil {
		return types.DynType
	}
	switch name {
	case "string":
		return types.StringType
	case "boolean":
		return types.BoolType
	case "integer":
		return types.IntType
	case "number":
		return types.DoubleType
	case "array":
		return types.NewListType(types.DynType)
	case "object":
		return types.NewMapType(types.StringType, types.DynType)
	}
	return types.DynType
}

func argField(name string, t *types.Type) *types.FieldType {
	return &types.FieldType{
		Type: t,
		IsSet: func(target any) bool {
			args, _ := target.(map[string]any)
			_, set := args[name]
			return set
		},
		GetFrom: func(target any) (any, error) {
			args, _ := target.(map[string]any)
			v, set := args[name]
			if !set {
				return nil, errAbsent
			}
			return asType(v, t)
		},
	}
}

// callFields are the words of a condition beside the arguments. The target is
// the *ostiary.Call itself, so that nothing is copied that is not read.
func callFields(args *types.Type) map[string]*types.FieldType {
	text := func(get func(*ostiary.Call) string) *types.FieldType {
		return field(types.StringType, func(c *ostiary.Call) any { return get(c) })
	}
	return map[string]*types.FieldType{
		"tool": text(func(c *ostiary.Call) string {
			if c.Class != ostiary.ClassTool {
				return ""
			}
			return c.Target
		}),
		"upstream": text(func(c *ostiary.Call) string { return c.Upstream }),
		"method":   text(func(c *ostiary.Call) string { return c.Method }),
		"target":   text(func(c *ostiary.Call) string { return c.Target }),
		"effect":   text(func(c *ostiary.Call) string { return c.Effect.String() }),
		"time":     field(types.TimestampType, func(c *ostiary.Call) any { return types.Timestamp{Time: c.Received} }),
		"beside": field(types.NewMapType(types.StringType, types.DynType), func(c *ostiary.Call) any {
			members, _ := c.BesideArgs.(map[string]any)
			return members
		}),
		"args": {
			Type:  args,
			IsSet: func(target any) bool { c, ok := target.(*ostiary.Call); return ok && c.Args != nil },
			GetFrom: func(target any) (any, error) {
				c, _ := target.(*ostiary.Call)
				switch args := c.Args.(type) {
				case map[string]any:
					return args, nil
				case nil:
					return map[string]any(nil), nil
				}
				return nil, errArgs
			},
		},
	}
}

func principalFields() map[string]*types.FieldType {
	return map[string]*types.FieldType{
		"id":     field(types.StringType, func(c *ostiary.Call) any { return c.Principal.ID }),
		"scopes": field(types.NewListType(types.StringType), func(c *ostiary.Call) any { return c.Principal.Scopes }),
	}
}

func field(t *types.Type, get func(*ostiary.Call) any) *types.FieldType {
	return &types.FieldType{
		Type:    t,
		IsSet:   func(target any) bool { _, ok := target.(*ostiary.Call); return ok },
		GetFrom: func(target any) (any, error) { return get(target.(*ostiary.Call)), nil },
	}
}

// provider tells the type checker what a condition may name.
type provider struct {
	types.Provider
	call, principal map[string]*types.FieldType
	args            *argTypes
	// admits says which undeclared arguments may be named all the same, because
	// the row speaks for other tools too; they count as absent unless sent.
	admits func(name string) bool
	// missed are the names that were asked for and are none.
	missed []missed
}

type missed struct{ of, name string }

func newProvider(base types.Provider, args *argTypes, admits func(string) bool) *provider {
	t := types.NewObjectType(argsType)
	if args.free {
		t = types.NewMapType(types.StringType, types.DynType)
	}
	return &provider{Provider: base, call: callFields(t), principal: principalFields(), args: args, admits: admits}
}

func (p *provider) fields(name string) map[string]*types.FieldType {
	switch name {
	case callType:
		return p.call
	case argsType:
		return p.args.fields
	case principalType:
		return p.principal
	}
	return nil
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if p.fields(name) != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	fields := p.fields(name)
	if fields == nil {
		return p.Provider.FindStructFieldNames(name)
	}
	return sortedKeys(fields), true
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	fields := p.fields(name)
	if fields == nil {
		return p.Provider.FindStructFieldType(name, fieldName)
	}
	if f := fields[fieldName]; f != nil {
		return f, true
	}
	if name == argsType && (p.args.more || p.admits != nil && p.admits(fieldName)) {
		return argField(fieldName, types.DynType), true
	}
	p.missed = append(p.missed, missed{name, fieldName})
	return nil, false
}

// NewValue implements types.Provider: a condition makes no calls.
func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if p.fields(name) != nil {
		return types.NewErr("a condition cannot make a %s", name)
	}
	return p.Provider.NewValue(name, fields)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
