package validate

import (
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// subschemas yields s and everything below it, references not followed. A nil
// schema is yielded as nil.
func subschemas(s *jsonschema.Schema) iter.Seq[*jsonschema.Schema] {
	return func(yield func(*jsonschema.Schema) bool) { each(s, yield) }
}

func each(s *jsonschema.Schema, yield func(*jsonschema.Schema) bool) bool {
	if !yield(s) {
		return false
	}
	if s == nil {
		return true
	}
	for _, c := range [...]*jsonschema.Schema{
		s.Items, s.AdditionalItems, s.Contains, s.UnevaluatedItems, s.AdditionalProperties,
		s.PropertyNames, s.UnevaluatedProperties, s.Not, s.If, s.Then, s.Else, s.ContentSchema,
	} {
		if c != nil && !each(c, yield) {
			return false
		}
	}
	for _, list := range [...][]*jsonschema.Schema{s.PrefixItems, s.ItemsArray, s.AllOf, s.AnyOf, s.OneOf} {
		for _, c := range list {
			if !each(c, yield) {
				return false
			}
		}
	}
	for _, m := range [...]map[string]*jsonschema.Schema{
		s.Defs, s.Definitions, s.DependencySchemas, s.DependentSchemas, s.Properties, s.PatternProperties,
	} {
		for _, c := range m {
			if !each(c, yield) {
				return false
			}
		}
	}
	return true
}

// inPlace yields the subschemas that judge the same value as s.
func inPlace(s *jsonschema.Schema) iter.Seq[*jsonschema.Schema] {
	return func(yield func(*jsonschema.Schema) bool) {
		for _, list := range [...][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
			for _, in := range list {
				if !yield(in) {
					return
				}
			}
		}
		for _, in := range [...]*jsonschema.Schema{s.Not, s.If, s.Then, s.Else} {
			if in != nil && !yield(in) {
				return
			}
		}
		for _, m := range [...]map[string]*jsonschema.Schema{s.DependentSchemas, s.DependencySchemas} {
			for _, in := range m {
				if !yield(in) {
					return
				}
			}
		}
	}
}

// follow finds what a $ref within the same document refers to. Anything but
// "#" and "#/…" is an error: nothing is ever fetched.
func follow(root *jsonschema.Schema, ref string) (*jsonschema.Schema, error) {
	unknown := fmt.Errorf("$ref %q: only references within the schema (\"#/…\") are followed, and this one leads nowhere", clip(ref, 80))
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, unknown
	}
	if strings.Contains(fragment, "%") {
		var err error
		if fragment, err = url.PathUnescape(fragment); err != nil {
			return nil, unknown
		}
	}
	tokens, err := parsePointer(fragment)
	if err != nil {
		return nil, unknown
	}
	s := root
	for len(tokens) > 0 && s != nil {
		s, tokens = child(s, tokens)
	}
	if s == nil {
		return nil, unknown
	}
	return s, nil
}

// child takes one step of a pointer into a schema; nil is not there.
func child(s *jsonschema.Schema, tokens []string) (*jsonschema.Schema, []string) {
	one, rest := tokens[0], tokens[1:]
	switch one {
	case "items":
		if s.ItemsArray == nil {
			return s.Items, rest
		}
	case "additionalItems":
		return s.AdditionalItems, rest
	case "contains":
		return s.Contains, rest
	case "unevaluatedItems":
		return s.UnevaluatedItems, rest
	case "additionalProperties":
		return s.AdditionalProperties, rest
	case "propertyNames":
		return s.PropertyNames, rest
	case "unevaluatedProperties":
		return s.UnevaluatedProperties, rest
	case "not":
		return s.Not, rest
	case "if":
		return s.If, rest
	case "then":
		return s.Then, rest
	case "else":
		return s.Else, rest
	}
	if len(rest) == 0 {
		return nil, nil
	}
	name, rest := rest[0], rest[1:]
	lists := map[string][]*jsonschema.Schema{
		"items": s.ItemsArray, "prefixItems": s.PrefixItems, "allOf": s.AllOf, "anyOf": s.AnyOf, "oneOf": s.OneOf,
	}
	if list, ok := lists[one]; ok {
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(list) {
			return list[i], rest
		}
		return nil, nil
	}
	maps := map[string]map[string]*jsonschema.Schema{
		"$defs": s.Defs, "definitions": s.Definitions, "properties": s.Properties,
		"patternProperties": s.PatternProperties, "dependentSchemas": s.DependentSchemas, "dependencies": s.DependencySchemas,
	}
	return maps[one][name], rest
}
