package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/google/jsonschema-go/jsonschema"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// The bounds on a schema, which is text from outside.
const (
	maxSchemaBytes  = 1 << 20
	maxSchemaDepth  = 64
	maxSubschemas   = 20_000
	maxForeign      = 64                     // patterns that RE2 cannot take
	patternTimeout  = 50 * time.Millisecond  // for one of them on one string
	foreignMaxBytes = 16 << 10               // the longest string it is tried on
	foreignBudget   = 200 * time.Millisecond // for all of them in one call
)

const (
	draft07     = "http://json-schema.org/draft-07/schema#"
	draft202012 = "https://json-schema.org/draft/2020-12/schema"
)

// Schema returns the check of the tool's own input schema (JSON Schema draft-07
// or 2020-12; MCP's default is 2020-12). If there is none, or it cannot be used,
// the check denies every call with validate_schema and the error says why, with
// the code config_invalid; it is no reason to give up the other tools.
//
// Network references are never followed. `format` is not asserted.
// additionalProperties that a schema does not mention are allowed, as JSON
// Schema has it; but a key that differs only by case from a property is refused
// at every depth, because many servers take it for that property. Integers of a call are compared exactly up to 64 bits; a limit
// written in the schema itself, and anything with a fraction, as a float64 (the
// range validator is exact).
func Schema(tool ostiary.Tool) (ostiary.Check, error) {
	check := ostiary.Check{Kind: "schema"}
	s, err := compileSchema(tool.InputSchema)
	if err != nil {
		denial := &ostiary.Error{
			Code: ostiary.CodeValidateSchema,
			Message: "the tool's own input schema cannot be used, so no call of it can be judged; " +
				"the operator must have the server corrected",
			Reason: "the input schema of " + tool.Upstream + "/" + tool.Name + ": " + err.Error(),
		}
		check.Run = func(context.Context, *ostiary.Call) error { return denial }
		return check, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: denial.Reason}
	}
	check.Run = func(ctx context.Context, c *ostiary.Call) error {
		args := c.Args
		if args == nil && len(c.Arguments) == 0 {
			args = map[string]any{}
		}
		return s.check(ctx, args)
	}
	return check, nil
}

// schema is a compiled input schema.
type schema struct {
	root     *jsonschema.Schema
	resolved *jsonschema.Resolved
	// foreign are the patterns that the library cannot compile; they were taken
	// out of root and are checked by the walk.
	foreign map[*jsonschema.Schema]*regexp2.Regexp
	// keys are the compiled patterns of patternProperties, by their subschema.
	keys map[*jsonschema.Schema]*regexp.Regexp
	// refs are the targets of $ref.
	refs map[*jsonschema.Schema]*jsonschema.Schema
	// folds are the names of the properties by their folded form.
	folds map[*jsonschema.Schema]map[string]string
	// weight is what comparing with enum and const costs, in steps of the walk.
	weight map[*jsonschema.Schema]int
	// texts and names are the program lengths of pattern, by its schema, and of
	// patternProperties, by the subschema; programs is their sum.
	texts, names map[*jsonschema.Schema]int
	programs     int
	// plain judges what is plainly right; nil where nothing is.
	plain *plain
}

func compileSchema(raw []byte) (*schema, error) {
	root, err := parseSchema(raw)
	if err != nil {
		return nil, err
	}
	s := &schema{
		root:    root,
		foreign: map[*jsonschema.Schema]*regexp2.Regexp{},
		keys:    map[*jsonschema.Schema]*regexp.Regexp{},
		refs:    map[*jsonschema.Schema]*jsonschema.Schema{},
		folds:   map[*jsonschema.Schema]map[string]string{},
		weight:  map[*jsonschema.Schema]int{},
		texts:   map[*jsonschema.Schema]int{},
		names:   map[*jsonschema.Schema]int{},
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if len(s.foreign) == 0 {
		s.plain = plainOf(root, 0)
	}
	s.resolved, err = root.Resolve(&jsonschema.ResolveOptions{})
	if err != nil {
		return nil, fmt.Errorf("not a usable JSON Schema: %s", clip(err.Error(), 200))
	}
	// The library says only now whether it knows the dialect.
	if root.Schema != "" && root.Schema != draft07 && root.Schema != draft202012 {
		return nil, fmt.Errorf("$schema is %s; supported are draft-07 and 2020-12", clip(root.Schema, 80))
	}
	return s, nil
}

// parseSchema reads a schema within the bounds.
func parseSchema(raw []byte) (*jsonschema.Schema, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, errors.New("the server gives no input schema")
	}
	if len(raw) > maxSchemaBytes {
		return nil, fmt.Errorf("%d bytes long, more than %d", len(raw), maxSchemaBytes)
	}
	if err := shallow(raw); err != nil {
		return nil, err
	}
	root := new(jsonschema.Schema)
	if err := json.Unmarshal(raw, root); err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %s", clip(err.Error(), 200))
	}
	switch strings.TrimSuffix(strings.Replace(root.Schema, "https:", "http:", 1), "#") {
	case "http://json-schema.org/draft-07/schema", "http://json-schema.org/draft-06/schema":
		root.Schema = draft07
	case "http://json-schema.org/draft/2020-12/schema":
		root.Schema = draft202012
	}
	n := 0
	for range subschemas(root) {
		if n++; n > maxSubschemas {
			return nil, fmt.Errorf("more than %d subschemas", maxSubschemas)
		}
	}
	return root, nil
}

// shallow refuses a text that is nested too deeply, before anything recursive
// reads it.
func shallow(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	depth := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not JSON: %s", clip(err.Error(), 200))
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxSchemaDepth {
				return fmt.Errorf("nested more than %d deep", maxSchemaDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// prepare makes the schema fit the library without changing what it means:
// it takes out the patterns that RE2 does not know, and refuses what the walk
// could not follow.
func (s *schema) prepare() error {
	root := s.root
	root.ID = "" // a name for others to refer to; nobody can
	var refs, ids, tuples bool
	for sub := range subschemas(root) {
		if sub == nil {
			return errors.New("null stands where a schema must")
		}
		refs = refs || sub.Ref != ""
		ids = ids || sub.ID != ""
		tuples = tuples || sub.ItemsArray != nil
		if sub.DynamicRef != "" || sub.DynamicAnchor != "" {
			return errors.New("$dynamicRef is not supported")
		}
		if sub.MultipleOf != nil && *sub.MultipleOf <= 0 {
			return errors.New("multipleOf must be greater than 0")
		}
		if err := s.countPattern(sub, sub.Pattern, s.texts); err != nil {
			return err
		}
		for p, pp := range sub.PatternProperties {
			if err := s.countPattern(pp, p, s.names); err != nil {
				return err
			}
			re, err := regexp.Compile(p)
			if err != nil {
				return fmt.Errorf("patternProperties %q is not in the RE2 syntax", clip(p, 60))
			}
			s.keys[pp] = re
		}
		if len(sub.Properties) > 0 {
			folds := make(map[string]string, len(sub.Properties))
			for name := range sub.Properties {
				folds[wire.Fold(name)] = name
			}
			s.folds[sub] = folds
		}
		if sub.Enum != nil || sub.Const != nil {
			values, _ := json.Marshal([]any{sub.Enum, sub.Const}) // came from JSON
			s.weight[sub] = len(sub.Enum) + len(values)>>6
		}
		if err := s.takeForeign(sub); err != nil {
			return err
		}
	}
	if refs && ids {
		return errors.New("$id inside a schema that uses $ref is not supported")
	}
	if tuples && root.Schema == "" {
		root.Schema = draft07 // an array under items has no meaning in 2020-12
	}
	for sub := range subschemas(root) {
		if sub.Ref != "" {
			target, err := follow(root, sub.Ref)
			if err != nil {
				return err
			}
			s.refs[sub] = target
		}
	}
	return nil
}

func (s *schema) takeForeign(sub *jsonschema.Schema) error {
	if sub.Pattern == "" {
		return nil
	}
	if _, err := regexp.Compile(sub.Pattern); err == nil {
		return nil
	}
	re, err := regexp2.Compile(sub.Pattern, regexp2.ECMAScript|regexp2.Unicode)
	if err != nil {
		re, err = regexp2.Compile(sub.Pattern, regexp2.None)
	}
	if err != nil {
		return fmt.Errorf("pattern %q is no regular expression", clip(sub.Pattern, 60))
	}
	if len(s.foreign) == maxForeign {
		return fmt.Errorf("more than %d patterns that are not in the RE2 syntax", maxForeign)
	}
	re.MatchTimeout = patternTimeout
	s.foreign[sub] = re
	sub.Pattern = ""
	return nil
}

// check judges the decoded arguments.
func (s *schema) check(ctx context.Context, args any) error {
	if budget := plainBudget; s.plain.allows(args, &budget) {
		return context.Cause(ctx)
	}
	return s.judge(ctx, args)
}

// judge is check in full.
func (s *schema) judge(ctx context.Context, args any) error {
	// First the walk: it bounds the work, so that what comes next cannot be made
	// to run for ever by a schema that multiplies itself.
	if err := s.walk(ctx, args); err != nil {
		return err
	}
	instance, err := forLibrary(args)
	if err != nil {
		return err
	}
	if err := s.resolved.Validate(instance); err != nil {
		return s.explain(instance)
	}
	return nil
}

func schemaError(format string, a ...any) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeValidateSchema, Message: fmt.Sprintf(format, a...)}
}

// clip bounds a text from outside for a message.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
