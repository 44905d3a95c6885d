package validate

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	ostiary "github.com/ostiary/ostiary"
)

// explain says why the library refused the arguments, in the words of an agent
// that must change them. It decides nothing: where it finds no simple reason it
// says only that they do not fit. Values of the call are never repeated.
func (s *schema) explain(instance any) *ostiary.Error {
	x := explainer{s: s, budget: 20_000}
	if msg := x.why(s.root, instance, "", 0); msg != "" {
		return schemaError("%s", clip(msg, 400))
	}
	return schemaError("the arguments do not fit the tool's input schema: compare them with it, alternatives and dependent arguments too")
}

type explainer struct {
	s      *schema
	budget int
}

// why returns the first reason found, or "".
func (x *explainer) why(sub *jsonschema.Schema, v any, at string, depth int) string {
	x.budget -= 1 + x.s.texts[sub]/programStep // its pattern is compiled again
	if sub == nil || x.budget < 0 || depth > maxSchemaDepth {
		return ""
	}
	depth++
	if sub.Ref != "" {
		if msg := x.why(x.s.refs[sub], v, at, depth); msg != "" {
			return msg
		}
		if x.s.root.Schema == draft07 {
			return ""
		}
	}
	if t := declaredTypes(sub); t != 0 && t&instanceTypes(v) == 0 {
		return fmt.Sprintf("%s must be %s, not %s", place(at), t, kindName(v))
	}
	if msg := whyValue(sub, v, at); msg != "" {
		return msg
	}
	for _, in := range sub.AllOf {
		if msg := x.why(in, v, at, depth); msg != "" {
			return msg
		}
	}
	for _, list := range [...][]*jsonschema.Schema{sub.AnyOf, sub.OneOf} {
		if msg := x.whyNone(list, v, at, depth); msg != "" {
			return msg
		}
	}
	switch v := v.(type) {
	case object:
		return x.whyObject(sub, v, at, depth)
	case array:
		return x.whyArray(sub, v, at, depth)
	}
	return ""
}

// whyNone explains a list of alternatives of which none fits: by the one whose
// type is right, or by naming the types.
func (x *explainer) whyNone(list []*jsonschema.Schema, v any, at string, depth int) string {
	var all types
	best := ""
	for _, in := range list {
		msg := x.why(in, v, at, depth)
		if msg == "" {
			return ""
		}
		t := declaredTypes(in)
		all |= t
		if best == "" && (t == 0 || t&instanceTypes(v) != 0) {
			best = msg
		}
	}
	if best == "" && all != 0 {
		best = fmt.Sprintf("%s must be %s, not %s", place(at), all, kindName(v))
	}
	return best
}

func (x *explainer) whyObject(sub *jsonschema.Schema, v object, at string, depth int) string {
	for _, name := range sub.Required {
		if _, ok := v[name]; !ok {
			p := at + "/" + escapeToken(name)
			want := ""
			if t := declaredTypes(sub.Properties[name]); t != 0 {
				want = " (" + t.String() + ")"
			}
			return fmt.Sprintf("%s is missing%s: add it", place(p), want)
		}
	}
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := at + "/" + escapeToken(name)
		if prop := sub.Properties[name]; prop != nil {
			if msg := x.why(prop, v[name], p, depth); msg != "" {
				return msg
			}
			continue
		}
		if sub.AdditionalProperties == nil || x.keyed(sub, name) {
			continue
		}
		if isFalse(sub.AdditionalProperties) {
			return clip(place(p), 100) + " is not an argument of this tool: remove it" + didYouMean(name, sub.Properties)
		}
		if msg := x.why(sub.AdditionalProperties, v[name], p, depth); msg != "" {
			return msg
		}
	}
	return ""
}

func (x *explainer) keyed(sub *jsonschema.Schema, name string) bool {
	for _, pp := range sub.PatternProperties {
		if x.s.keys[pp].MatchString(name) {
			return true
		}
	}
	return false
}

func (x *explainer) whyArray(sub *jsonschema.Schema, v array, at string, depth int) string {
	if sub.MinItems != nil && len(v) < *sub.MinItems {
		return fmt.Sprintf("%s must have at least %d elements", place(at), *sub.MinItems)
	}
	if sub.MaxItems != nil && len(v) > *sub.MaxItems {
		return fmt.Sprintf("%s must have at most %d elements", place(at), *sub.MaxItems)
	}
	for i, e := range v {
		in := sub.Items
		tuple := sub.PrefixItems
		if sub.ItemsArray != nil {
			tuple, in = sub.ItemsArray, sub.AdditionalItems
		}
		if i < len(tuple) {
			in = tuple[i]
		}
		if msg := x.why(in, e, fmt.Sprintf("%s/%d", at, i), depth); msg != "" {
			return msg
		}
	}
	return ""
}

// whyValue looks at the keywords that judge one value by itself.
func whyValue(sub *jsonschema.Schema, v any, at string) string {
	if sub.Enum != nil && !slices.ContainsFunc(sub.Enum, func(e any) bool { return jsonschema.Equal(e, v) }) {
		return place(at) + " must be one of " + listValues(sub.Enum)
	}
	if sub.Const != nil && !jsonschema.Equal(*sub.Const, v) {
		return place(at) + " must be " + listValues([]any{*sub.Const})
	}
	switch v := v.(type) {
	case string:
		n := utf8.RuneCountInString(v)
		switch {
		case sub.MinLength != nil && n < *sub.MinLength:
			return fmt.Sprintf("%s must have at least %d characters", place(at), *sub.MinLength)
		case sub.MaxLength != nil && n > *sub.MaxLength:
			return fmt.Sprintf("%s must have at most %d characters", place(at), *sub.MaxLength)
		case sub.Pattern != "" && !matches(sub.Pattern, v):
			return fmt.Sprintf("%s must match the pattern %s", place(at), clip(sub.Pattern, 120))
		}
	case int64, uint64, float64:
		return whyNumber(sub, v, at)
	}
	return ""
}

func whyNumber(sub *jsonschema.Schema, v any, at string) string {
	n := new(big.Rat)
	switch v := v.(type) {
	case int64:
		n.SetInt64(v)
	case uint64:
		n.SetUint64(v)
	case float64:
		n.SetFloat64(v)
	}
	cmp := func(f float64) int { return n.Cmp(new(big.Rat).SetFloat64(f)) }
	switch {
	case sub.Minimum != nil && cmp(*sub.Minimum) < 0:
		return fmt.Sprintf("%s must be at least %v", place(at), *sub.Minimum)
	case sub.Maximum != nil && cmp(*sub.Maximum) > 0:
		return fmt.Sprintf("%s must be at most %v", place(at), *sub.Maximum)
	case sub.ExclusiveMinimum != nil && cmp(*sub.ExclusiveMinimum) <= 0:
		return fmt.Sprintf("%s must be greater than %v", place(at), *sub.ExclusiveMinimum)
	case sub.ExclusiveMaximum != nil && cmp(*sub.ExclusiveMaximum) >= 0:
		return fmt.Sprintf("%s must be less than %v", place(at), *sub.ExclusiveMaximum)
	}
	return ""
}

func listValues(values []any) string {
	var words []string
	for _, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			continue
		}
		words = append(words, clip(string(b), 40))
		if len(words) == 8 && len(values) > 8 {
			words = append(words, "…")
			break
		}
	}
	return strings.Join(words, ", ")
}
