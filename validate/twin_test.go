package validate

import (
	"context"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

// A server that binds names without regard to case takes a twin for the
// property, so every place that knows a name must know its twins.
func TestSchemaRefusesCaseTwins(t *testing.T) {
	const nested = `{"type":"object","properties":{"path":{"type":"string"},"kind":{"type":"string"},
		"edits":{"type":"array","items":{"$ref":"#/$defs/edit"}},
		"any":{"anyOf":[{"properties":{"id":{"type":"string"}}},{"properties":{"ID":{"type":"string"}}}]}},
		"$defs":{"edit":{"properties":{"oldText":{"type":"string"}}}}}`
	const both = `{"type":"object","properties":{"id":{},"Id":{}}}`
	for _, c := range []struct{ schema, args, says string }{
		{nested, `{"path":"x"}`, ""},
		{nested, `{"other":"x","oldtext":"not known here"}`, ""},
		{nested, `{"Path":"x"}`, `argument /Path differs only by case from "path"`},
		{nested, `{"PATH":"x"}`, `"path"`},
		{nested, `{"\u212Aind":"x"}`, `"kind"`}, // the Kelvin sign
		{nested, `{"edits":[{"oldText":"a"},{"oldtext":"b"}]}`, `argument /edits/1/oldtext differs only by case from "oldText"`},
		{nested, `{"any":{"id":"x"}}`, ""},
		{nested, `{"any":{"ID":"x"}}`, ""},
		{nested, `{"any":{"Id":"x"}}`, `argument /any/Id`},
		{both, `{"id":1}`, ""},
		{both, `{"Id":1}`, ""},
		{both, `{"ID":1}`, `argument /ID`},
		{`{"type":"object"}`, `{"PATH":"x"}`, ""},
	} {
		check, err := Schema(toolWith(c.schema))
		if err != nil {
			t.Fatal(err)
		}
		err = check.Run(context.Background(), callWith(t, ostiary.EffectRead, c.args))
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: refused: %v", c.args, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: allowed", c.args)
			continue
		}
		wantCode(t, err, ostiary.CodeValidateSchema)
		wantMessage(t, err, c.says)
	}
}

func TestPointerRefusesCaseTwins(t *testing.T) {
	a := Argument{Pointer: "/file/path", Optional: true, Enum: []any{"ok"}}
	for args, code := range map[string]ostiary.Code{
		`{"file":{"path":"ok"}}`:  "",
		`{"file":{}}`:             "",
		`{"file":{"path":"bad"}}`: ostiary.CodeValidateEnum,
		`{"file":{"Path":"bad"}}`: ostiary.CodeValidateSchema,
		`{"FILE":{"path":"bad"}}`: ostiary.CodeValidateSchema,
	} {
		wantCode(t, run(t, a, Options{}, `{"type":"object"}`, ostiary.EffectRead, args), code)
	}
}

func TestForbidsCaseTwins(t *testing.T) {
	main := Argument{Enum: []any{"main"}}
	for _, c := range []struct {
		key, schema, args string
		denied            bool
	}{
		{"branch", `{"type":"object"}`, `{"branch":"main"}`, true},
		{"branch", `{"type":"object"}`, `{"Branch":"main"}`, true},
		{"branch", `{"type":"object"}`, `{"in":[{"BRANCH":["main"]}]}`, true},
		{"branch", `{"type":"object"}`, `{"branches":"main"}`, false},
		{"/a/branch", `{"type":"object"}`, `{"A":{"Branch":"main"}}`, true},
		{"/a/branch", `{"type":"object"}`, `{"A":{"Branch":"dev"}}`, false},
		{"/a/*/branch", `{"type":"object"}`, `{"a":[7,{"branch":"main"}]}`, true}, // what does not fit hides nothing
		{"branch", `{"type":"object","properties":{"Branch":{}}}`, `{"Branch":"main"}`, true},
		{"/branch", `{"type":"object","properties":{"Branch":{}}}`, `{"Branch":"main"}`, true},
	} {
		cond, err := Forbids(map[string]Argument{c.key: main}, toolWith(c.schema), Options{})
		if err != nil || cond == nil {
			t.Fatalf("%s: %v, %v", c.key, cond, err)
		}
		got, err := cond.Holds(context.Background(), callWith(t, ostiary.EffectWrite, c.args))
		if err != nil || got != c.denied {
			t.Errorf("%s on %s: %v, %v", c.key, c.args, got, err)
		}
	}
}
