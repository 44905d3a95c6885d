package validate

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// lookup says which types the schema gives to the place, 0 if it does not say.
// A place that the schema does not know is an error with a suggestion, unless
// the schema says itself that it takes what it does not list.
func lookup(root *jsonschema.Schema, tokens []string) (types, error) {
	return lookupBy(root, tokens, func(a, b string) bool { return a == b })
}

// lookupBy is lookup with a say in which names are equal.
func lookupBy(root *jsonschema.Schema, tokens []string, same func(a, b string) bool) (types, error) {
	at := []*jsonschema.Schema{root}
	for i, t := range tokens {
		var next []*jsonschema.Schema
		names := map[string]*jsonschema.Schema{}
		open := false
		for _, s := range flatten(root, at) {
			for n, p := range s.Properties {
				names[n] = p
				if t == wildcard || same(n, t) {
					next = append(next, p)
				}
			}
			if t == wildcard || isIndex(t) {
				next = append(next, elements(s)...)
			}
			if more := s.AdditionalProperties; more != nil && s.Properties[t] == nil && !isFalse(more) {
				next = append(next, more)
			}
			open = open || isOpen(s)
		}
		if len(next) > 0 {
			at = next
			continue
		}
		if open {
			return 0, nil
		}
		where := "the tool's schema"
		if i > 0 {
			where += " under /" + strings.Join(tokens[:i], "/")
		}
		return 0, fmt.Errorf("%s does not know %q%s", where, t, didYouMean(t, names))
	}
	var all types
	for _, s := range flatten(root, at) {
		t := declaredTypes(s)
		if t == 0 && len(s.AnyOf) == 0 && len(s.OneOf) == 0 && len(s.AllOf) == 0 && s.Ref == "" {
			return 0, nil
		}
		all |= t
	}
	return all, nil
}

// flatten adds what references and alternatives lead to; each schema once.
func flatten(root *jsonschema.Schema, list []*jsonschema.Schema) []*jsonschema.Schema {
	seen := map[*jsonschema.Schema]bool{}
	var out []*jsonschema.Schema
	for len(list) > 0 {
		s := list[0]
		list = list[1:]
		if s == nil || seen[s] {
			continue
		}
		seen[s] = true
		out = append(out, s)
		if s.Ref != "" {
			if target, err := follow(root, s.Ref); err == nil {
				list = append(list, target)
			}
		}
		list = append(list, s.AllOf...)
		list = append(list, s.AnyOf...)
		list = append(list, s.OneOf...)
		list = append(list, s.Then, s.Else)
	}
	return out
}

func elements(s *jsonschema.Schema) []*jsonschema.Schema {
	out := slices.Concat(s.PrefixItems, s.ItemsArray)
	for _, e := range [...]*jsonschema.Schema{s.Items, s.AdditionalItems} {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

func isIndex(t string) bool {
	return t != "" && strings.Trim(t, "0123456789") == ""
}

// isOpen reports whether a schema says that it takes members it does not list.
func isOpen(s *jsonschema.Schema) bool {
	if s.AdditionalProperties != nil {
		return !isFalse(s.AdditionalProperties)
	}
	if len(s.PatternProperties) > 0 {
		return true
	}
	if len(s.Properties) > 0 || s.Ref != "" || len(s.AnyOf)+len(s.OneOf)+len(s.AllOf) > 0 {
		return false
	}
	t := declaredTypes(s)
	return t == 0 || t&typeObject != 0
}

func isFalse(s *jsonschema.Schema) bool {
	if s.Not == nil {
		return false
	}
	b, err := s.MarshalJSON()
	return err == nil && string(b) == "false"
}

// declaredTypes are the types that one schema states by itself.
func declaredTypes(s *jsonschema.Schema) types {
	if s == nil {
		return 0
	}
	t := typeOf(s.Type)
	for _, w := range s.Types {
		t |= typeOf(w)
	}
	if t != 0 {
		return t
	}
	values := s.Enum
	if s.Const != nil {
		values = []any{*s.Const}
	}
	for _, v := range values {
		t |= instanceTypes(v)
	}
	return t
}

// instanceTypes are the types that a value has: an integer is a number too.
func instanceTypes(v any) types {
	switch v := v.(type) {
	case string:
		return typeString
	case int64, uint64:
		return typeInteger | typeNumber
	case float64:
		if v == math.Trunc(v) {
			return typeInteger | typeNumber
		}
		return typeNumber
	case bool:
		return typeBoolean
	case array, []any:
		return typeArray
	case object, map[string]any:
		return typeObject
	case nil:
		return typeNull
	}
	return 0
}

func kindName(v any) string {
	switch v := v.(type) {
	case object:
		return typeName(map[string]any(v))
	case array:
		return typeName([]any(v))
	case float64:
		if v != math.Trunc(v) {
			return "a number with a fraction"
		}
	}
	return typeName(v)
}

func matches(p, v string) bool {
	re, err := regexp.Compile(p)
	return err == nil && re.MatchString(v)
}

// didYouMean suggests the name that is nearest, or says which there are.
func didYouMean(got string, names map[string]*jsonschema.Schema) string {
	best, distance := "", 1+len(got)/2
	var all []string
	for n := range names {
		all = append(all, n)
		if len(n) > 64 || len(got) > 64 {
			continue
		}
		if d := edits(strings.ToLower(got), strings.ToLower(n)); d < distance || d == distance && best != "" && n < best {
			best, distance = n, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return "; it knows " + clip(strings.Join(all, ", "), 200)
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
