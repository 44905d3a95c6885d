package validate

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ostiary/ostiary/wire"
)

const (
	walkBudget = 500_000 // steps in one call; about one for each schema that meets a value
	walkDepth  = 1_000   // schemas within schemas, references included
)

// walk visits every pair of a subschema and a value that the library could come
// to, and more: all branches, whether they apply or not. So it costs at least
// as many steps as the library takes, and it has a budget and a depth where the
// library has none: {"$ref":"#"} ends here.
//
// On the way it checks the patterns that the library does not know. They were
// taken out of the schema, which means the same as long as they match; so each
// one that is met must match, in whatever branch. That can refuse a value which
// another branch of an anyOf would have allowed, and never the reverse.
func (s *schema) walk(ctx context.Context, args any) error {
	w := walker{s: s, ctx: ctx, budget: walkBudget}
	if err := w.visit(s.root, args, "", 0); err != nil {
		return err
	}
	if err := w.afford(); err != nil || len(w.twins) == 0 { // what the last visit cost
		return err
	}
	// What is a twin for one branch may be a property of its own in another:
	// the second walk takes those away.
	w.settle = true
	if err := w.visit(s.root, args, "", 0); err != nil {
		return err
	}
	if err := w.afford(); err != nil {
		return err
	}
	for _, at := range slices.Sorted(maps.Keys(w.twins)) {
		return twinError(at, w.twins[at])
	}
	return nil
}

// twinError refuses a key that many servers take for another, so that a rule
// about the other one would not see it.
func twinError(at, name string) error {
	return schemaError("%s differs only by case from %s, which this tool knows: write it exactly like that", place(clip(at, 80)), strconv.Quote(clip(name, 80)))
}

type walker struct {
	s       *schema
	ctx     context.Context
	budget  int
	foreign time.Duration
	twins   map[string]string // places whose key differs only by case from a property
	settle  bool              // take away twins that are properties themselves
}

// twin looks for keys of v that differ only by case from a property of sub.
func (w *walker) twin(sub *jsonschema.Schema, v map[string]any, at string) {
	folds := w.s.folds[sub]
	for key := range v {
		if _, ok := sub.Properties[key]; ok {
			continue
		}
		w.budget -= 1 + len(key)>>6
		if name, ok := folds[wire.Fold(key)]; ok {
			if w.twins == nil {
				w.twins = map[string]string{}
			}
			w.twins[at+"/"+escapeToken(key)] = name
		}
	}
}

func (w *walker) visit(sub *jsonschema.Schema, v any, at string, depth int) error {
	if sub == nil {
		return nil
	}
	w.budget -= 1 + len(sub.Types)>>3
	if sub.Enum != nil || sub.Const != nil {
		w.budget -= w.s.weight[sub]
	}
	if depth > walkDepth {
		return errCostly()
	}
	if err := w.afford(); err != nil {
		return err
	}
	depth++
	if sub.Ref != "" {
		if err := w.visit(w.s.refs[sub], v, at, depth); err != nil {
			return err
		}
	}
	for in := range inPlace(sub) {
		if err := w.visit(in, v, at, depth); err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case string:
		return w.text(sub, v, at)
	case []any:
		return w.elements(sub, v, at, depth)
	case map[string]any:
		return w.members(sub, v, at, depth)
	}
	return nil
}

// afford ends the walk when the budget is spent or nobody waits any more.
func (w *walker) afford() error {
	if w.budget < 0 {
		return errCostly()
	}
	return context.Cause(w.ctx)
}

func errCostly() error {
	return schemaError("the tool's own schema makes these arguments too costly to check: send fewer or smaller values")
}

func (w *walker) text(sub *jsonschema.Schema, v, at string) error {
	w.budget -= len(v)>>9 + matching(v, w.s.texts[sub]) // messages take time in proportion too
	re := w.s.foreign[sub]
	if re == nil {
		return nil
	}
	if len(v) > foreignMaxBytes || w.foreign > foreignBudget || w.ctx.Err() != nil {
		return schemaError("%s is too long to check against the tool's pattern: send a shorter value", place(at))
	}
	start := time.Now()
	ok, err := re.MatchString(v)
	w.foreign += time.Since(start)
	if err != nil {
		return schemaError("%s takes too long to check against the tool's pattern: send a simpler value", place(at))
	}
	if !ok {
		return schemaError("%s must match the pattern of the tool's schema", place(at))
	}
	return nil
}

func (w *walker) elements(sub *jsonschema.Schema, v []any, at string, depth int) error {
	if sub.UniqueItems {
		w.budget -= hashing(v)
	}
	rest := []*jsonschema.Schema{sub.Items, sub.AdditionalItems, sub.Contains, sub.UnevaluatedItems}
	lists := [][]*jsonschema.Schema{sub.PrefixItems, sub.ItemsArray}
	some := sub.PrefixItems != nil || sub.ItemsArray != nil
	for _, r := range rest {
		some = some || r != nil
	}
	if !some {
		return nil
	}
	for i, e := range v {
		p := at + "/" + strconv.Itoa(i)
		for _, list := range lists {
			if i < len(list) {
				if err := w.visit(list[i], e, p, depth); err != nil {
					return err
				}
			}
		}
		for _, r := range rest {
			if err := w.visit(r, e, p, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) members(sub *jsonschema.Schema, v map[string]any, at string, depth int) error {
	w.budget -= len(sub.Required) + len(sub.Properties) + dependent(sub, v)
	exact := 0
	for name, p := range sub.Properties {
		if e, ok := v[name]; ok {
			exact++
			if w.settle {
				delete(w.twins, at+"/"+escapeToken(name))
			}
			if err := w.visit(p, e, at+"/"+escapeToken(name), depth); err != nil {
				return err
			}
		}
	}
	if !w.settle && exact < len(v) && len(sub.Properties) > 0 {
		w.twin(sub, v, at)
	}
	if sub.PatternProperties == nil && sub.AdditionalProperties == nil &&
		sub.UnevaluatedProperties == nil && sub.PropertyNames == nil {
		return nil
	}
	for name, e := range v {
		p := at + "/" + escapeToken(name)
		if err := w.visit(sub.PropertyNames, name, p, depth); err != nil {
			return err
		}
		w.budget -= len(sub.PatternProperties) + len(name)>>9
		for _, pp := range sub.PatternProperties {
			w.budget -= matching(name, w.s.names[pp])
			if err := w.afford(); err != nil {
				return err
			}
			if !w.s.keys[pp].MatchString(name) {
				continue
			}
			if err := w.visit(pp, e, p, depth); err != nil {
				return err
			}
		}
		if sub.Properties[name] == nil {
			if err := w.visit(sub.AdditionalProperties, e, p, depth); err != nil {
				return err
			}
		}
		if err := w.visit(sub.UnevaluatedProperties, e, p, depth); err != nil {
			return err
		}
	}
	return nil
}
