package validate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	ostiary "github.com/ostiary/ostiary"
)

// filesystemEdit is a schema as the npm servers emit it (zod, draft-07).
const filesystemEdit = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{
	"path":{"type":"string"},
	"edits":{"type":"array","items":{"type":"object","properties":{
		"oldText":{"type":"string","description":"Text to search for"},"newText":{"type":"string"}},
		"required":["oldText","newText"],"additionalProperties":false}},
	"dryRun":{"default":false,"type":"boolean"},
	"sort":{"type":"string","enum":["name","size"]},
	"head":{"type":"integer","minimum":1,"maximum":9007199254740992},
	"mail":{"anyOf":[{"type":"string","format":"email","pattern":"^(?!\\.)(?!.*\\.\\.)[a-z.]+@[a-z]+$"},{"type":"null"}]},
	"slow":{"type":"string","pattern":"^(?=a)(a+)+$"},
	"shared":{"$ref":"#/definitions/shared"},
	"tuple":{"type":"array","items":[{"type":"string"},{"type":"number"}],"additionalItems":false}
},"required":["path"],"additionalProperties":false,"definitions":{"shared":{"type":"object","properties":{"n":{"type":"number","exclusiveMinimum":0}},"required":["n"]}}}`

func TestSchemaJudges(t *testing.T) {
	check, err := Schema(toolWith(filesystemEdit))
	if err != nil {
		t.Fatal(err)
	}
	for args, says := range map[string]string{
		`{"path":"x"}`: "",
		`{"path":"x","edits":[{"oldText":"a","newText":"b"}],"dryRun":true,"sort":"size","head":5,"shared":{"n":0.5},"tuple":["a",1]}`: "",
		`{"path":"x","mail":"a.b@c"}`:    "",
		`{"path":"x","mail":null}`:       "",
		`{"path":"x","head":5.0}`:        "",
		`{"path":"x","head":5e0}`:        "",
		`{}`:                             "argument /path is missing (string)",
		`{"path":7}`:                     "argument /path must be string, not number",
		`{"path":null}`:                  "argument /path must be string, not null",
		`{"path":"x","pathh":"hunter2"}`: `argument /pathh is not an argument of this tool: remove it; did you mean "path"?`,
		`{"path":"x","edits":[{"oldText":"a","newText":"b"},{"oldText":"a"}]}`: "argument /edits/1/newText is missing",
		`{"path":"x","edits":"hunter2"}`:                                       "argument /edits must be array, not string",
		`{"path":"x","sort":"hunter2"}`:                                        `argument /sort must be one of "name", "size"`,
		`{"path":"x","head":0}`:                                                "argument /head must be at least 1",
		`{"path":"x","head":9007199254740993}`:                                 "argument /head must be at most",
		`{"path":"x","head":18446744073709551616}`:                             "argument /head must be at most",
		`{"path":"x","head":1.5}`:                                              "argument /head must be integer, not a number with a fraction",
		`{"path":"x","head":"5"}`:                                              "argument /head must be integer, not string",
		`{"path":"x","mail":"a..b@c"}`:                                         "argument /mail must match the pattern",
		`{"path":"x","mail":".a@c"}`:                                           "argument /mail must match the pattern",
		`{"path":"x","mail":1}`:                                                "argument /mail must be string or null, not number",
		`{"path":"x","shared":{"n":0}}`:                                        "argument /shared/n must be greater than 0",
		`{"path":"x","tuple":["a","b"]}`:                                       "argument /tuple/1 must be number",
		`{"path":"x","tuple":["a",1,2]}`:                                       "input schema",
		`{"path":"x","head":1e400}`:                                            "too large",
		`[]`:                                                                   "the arguments must be object, not array",
		`{"path":"x","slow":"` + strings.Repeat("a", 40) + `!"}`:               "takes too long",
		`{"path":"x","slow":"` + strings.Repeat("a", 1<<15) + `"}`:             "too long",
	} {
		err := check.Run(context.Background(), callWith(t, ostiary.EffectRead, args))
		if says == "" {
			if err != nil {
				t.Errorf("%.80s: %v", args, err)
			}
			continue
		}
		if !errors.Is(err, ostiary.CodeValidateSchema) {
			t.Errorf("%.80s: got %v, want a refusal", args, err)
			continue
		}
		msg := ostiary.AsError(err).Message
		if !strings.Contains(msg, says) {
			t.Errorf("%.80s: message %q does not say %q", args, msg, says)
		}
		if strings.Contains(msg, "hunter2") || len(msg) > 500 {
			t.Errorf("%.80s: message repeats the value: %s", args, msg)
		}
	}
}

func TestSchemaWithoutArguments(t *testing.T) {
	for schema, ok := range map[string]bool{`{"type":"object"}`: true, `{"type":"object","required":["a"]}`: false} {
		check, err := Schema(toolWith(schema))
		if err != nil {
			t.Fatal(err)
		}
		if err := check.Run(context.Background(), &ostiary.Call{}); (err == nil) != ok {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

func TestSchemaDialects(t *testing.T) {
	for _, c := range []struct {
		schema, good, bad string
	}{
		{`{"type":"object","properties":{"a":{"prefixItems":[{"type":"string"}],"items":false}}}`, `{"a":["x"]}`, `{"a":["x",1]}`},
		{`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"const":1}}}`, `{"a":1}`, `{"a":2}`},
		{`{"$schema":"http://json-schema.org/draft-07/schema","properties":{"a":{"items":[{"type":"string"}]}}}`, `{"a":["x"]}`, `{"a":[1]}`},
		{`{"properties":{"a":{"items":[{"type":"string"}]}}}`, `{"a":["x"]}`, `{"a":[1]}`},
		{`{"$id":"https://x.example/y.json","properties":{"a":{"$ref":"#/properties/b"},"b":{"type":"string"}}}`, `{"a":"x"}`, `{"a":1}`},
		{`{"properties":{"a":{"$ref":"#/definitions/x%20y"}},"definitions":{"x y":{"type":"string"}}}`, `{"a":"x"}`, `{"a":1}`},
		{`{"type":"object","properties":{"tree":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"}},"additionalProperties":false}}}`,
			`{"tree":{"l":{"l":{}}}}`, `{"tree":{"l":{"r":{}}}}`},
		{`{"patternProperties":{"^x":{"type":"string","pattern":"^(?!no)"}},"additionalProperties":{"type":"number"}}`, `{"x1":"yes","b":1}`, `{"x1":"no"}`},
		{`{"patternProperties":{"^x":{"type":"string","pattern":"^(?!no)"}}}`, `{"y":"no"}`, `{"xa":1}`},
		{`{"type":"object","additionalProperties":{"type":"object","required":["k"]}}`, `{"a":{"k":1}}`, `{"a":{}}`},
		{`{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"b":1}`, `{"a":1}`},
		{`true`, `{"anything":1}`, ``},
		{`{"properties":{"e":{"enum":[1,"a",null]}}}`, `{"e":1.0}`, `{"e":"b"}`},
		{`{"properties":{"u":{"uniqueItems":true}}}`, `{"u":[{"a":1},{"a":2}]}`, `{"u":[{"a":1},{"a":1.0}]}`},
	} {
		check, err := Schema(toolWith(c.schema))
		if err != nil {
			t.Errorf("%s: %v", c.schema, err)
			continue
		}
		if err := check.Run(context.Background(), callWith(t, ostiary.EffectRead, c.good)); err != nil {
			t.Errorf("%s: %s: %v", c.schema, c.good, err)
		}
		if c.bad == "" {
			continue
		}
		if err := check.Run(context.Background(), callWith(t, ostiary.EffectRead, c.bad)); !errors.Is(err, ostiary.CodeValidateSchema) {
			t.Errorf("%s: %s: %v", c.schema, c.bad, err)
		}
	}
}

func TestSchemaUnusable(t *testing.T) {
	for schema, says := range map[string]string{
		``:   "no input schema",
		`{`:  "not a JSON Schema",
		`[]`: "not a JSON Schema",
		`{"properties":{"a":{"$ref":"https://evil.example/schema.json"}}}`: "only references within",
		`{"properties":{"a":{"$ref":"other.json#/x"}}}`:                    "only references within",
		`{"properties":{"a":{"$ref":"#/$defs/missing"}}}`:                  "leads nowhere",
		`{"properties":{"a":{"$dynamicRef":"#x"}}}`:                        "$dynamicRef",
		`{"properties":{"a":{"pattern":"("}}}`:                             "no regular expression",
		`{"properties":{"a":null}}`:                                        "null",
		// Programs that are long, or of which there are many.
		`{"properties":{"a":{"pattern":"` + strings.Repeat("a?", 3000) + `"}}}`:                       "longer than",
		`{"properties":{"a":{"pattern":"(?=` + strings.Repeat("a?", 3000) + `)"}}}`:                   "longer than",
		`{"properties":{"a":{"pattern":"` + strings.Repeat("a{1000}", 11) + `"}}}`:                    "instructions",
		`{"patternProperties":{"` + strings.Repeat("a?", 3000) + `":{}}}`:                             "longer than",
		`{"patternProperties":{"` + strings.Repeat("a{1000}", 11) + `":{}}}`:                          "instructions",
		`{"allOf":[{}` + strings.Repeat(`,{"pattern":"`+strings.Repeat("a{1000}", 9)+`"}`, 30) + `]}`: "the patterns compile",
		`{"$schema":"http://json-schema.org/draft-04/schema#"}`:                                       "draft-07 and 2020-12",
		strings.Repeat(`{"not":`, 70) + `{}` + strings.Repeat(`}`, 70):                                "deep",
		`{"description":"` + strings.Repeat("x", maxSchemaBytes) + `"}`:                               "bytes long",
	} {
		check, err := Schema(toolWith(schema))
		wantCode(t, err, ostiary.CodeConfigInvalid)
		wantMessage(t, err, says)
		err = check.Run(context.Background(), callWith(t, ostiary.EffectRead, `{}`))
		wantCode(t, err, ostiary.CodeValidateSchema)
		if strings.Contains(ostiary.AsError(err).Message, "evil") {
			t.Error("the message repeats text of the upstream")
		}
	}
}

// TestSchemaBombs: schemas that would run for ever, or end the process, in the
// library alone.
func TestSchemaBombs(t *testing.T) {
	double := func(n int) string { // each definition uses the next one twice
		var b strings.Builder
		b.WriteString(`{"$ref":"#/$defs/d0","$defs":{`)
		for i := range n {
			fmt.Fprintf(&b, `"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
		}
		fmt.Fprintf(&b, `"d%d":{"required":["never"]}}}`, n)
		return b.String()
	}
	names := func(key string) string {
		return `{"properties":{"l":{"items":{` + key + `:{"x":["x"` + strings.Repeat(`,"x"`, 200_000) + `]}}}}}`
	}
	objects := `{"l":[{"x":1}` + strings.Repeat(`,{"x":1}`, 2000) + `]}`
	keys := strings.Repeat("a", 4000)
	thousand := strings.Repeat("a{1000}", 9)
	nested := strings.Repeat(`{"c":`, 100) + `{}` + strings.Repeat(`}`, 100)
	for name, c := range map[string]struct{ schema, args string }{
		"itself":            {`{"$ref":"#"}`, `{}`},
		"circle":            {`{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}`, `{}`},
		"doubling":          {double(40), `{}`},
		"dependentRequired": {names(`"dependentRequired"`), objects},
		"dependencies":      {names(`"dependencies"`), objects},
		"pattern":           {`{"properties":{"s":{"pattern":"` + thousand + `"}}}`, `{"s":"` + strings.Repeat("a", 100_000) + `"}`},
		"patternProperties": {`{"patternProperties":{"` + thousand + `":{}}}`, `{"` + keys + `":1}`},
		"uniqueItems":       {`{"properties":{"l":{"anyOf":[{}` + strings.Repeat(`,{"uniqueItems":true}`, 15_000) + `]}}}`, `{"l":[1` + strings.Repeat(",1", 50_000) + `]}`},
		"types":             {`{"properties":{"l":{"items":{"type":["string"` + strings.Repeat(`,"string"`, 90_000) + `]}}}}`, objects},
		"two branches":      {`{"anyOf":[{"properties":{"c":{"$ref":"#"}},"required":["x"]},{"properties":{"c":{"$ref":"#"}},"required":["y"]}]}`, nested},
	} {
		t.Run(name, func(t *testing.T) {
			check, err := Schema(toolWith(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			err = check.Run(context.Background(), callWith(t, ostiary.EffectRead, c.args))
			wantCode(t, err, ostiary.CodeValidateSchema)
			wantMessage(t, err, "too costly")
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestSchemaLargeValues: a long text and a long list stay affordable, and a
// failing one is not copied into the message.
func TestSchemaLargeValues(t *testing.T) {
	check, err := Schema(toolWith(`{"type":"object","properties":{"s":{"type":"string","maxLength":20000000},"l":{"type":"array","items":{"type":"integer"}},
		"o":{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	long := `{"s":"` + strings.Repeat("x", 8<<20) + `","l":[1` + strings.Repeat(",1", 50_000) + `]}`
	if err := check.Run(context.Background(), callWith(t, ostiary.EffectRead, long)); err != nil {
		t.Errorf("long: %v", err)
	}
	err = check.Run(context.Background(), callWith(t, ostiary.EffectRead, `{"o":[`+strings.Repeat(`"hunter2",`, 1000)+`1]}`))
	wantCode(t, err, ostiary.CodeValidateSchema)
	wantMessage(t, err, "argument /o must be string or number or null, not array")
}

// FuzzSchema: no schema and no arguments make it panic, and what the library
// refuses is refused.
func FuzzSchema(f *testing.F) {
	f.Add(filesystemEdit, `{"path":"x","head":1}`)
	f.Add(`{"$ref":"#"}`, `{}`)
	f.Add(`{"anyOf":[{"type":"string"},{"items":[true,false]}]}`, `[1,2]`)
	f.Add(`{"unevaluatedProperties":false,"dependentSchemas":{"a":{"minProperties":2}},"propertyNames":{"pattern":"^(?!x)"}}`, `{"a":1,"x":2}`)
	f.Add(`{"contains":{"const":1.5},"minContains":2,"uniqueItems":true,"multipleOf":2}`, `[1.5,3e0,18446744073709551615]`)
	f.Fuzz(func(t *testing.T, schema, args string) {
		check, err := Schema(toolWith(schema))
		if len(args) > 1<<12 {
			return
		}
		var v any = map[string]any{}
		if strings.TrimSpace(args) != "" && jsonValid(args) {
			v = decode(t, args)
		}
		got := check.Run(context.Background(), &ostiary.Call{Args: v})
		if s, err := compileSchema([]byte(schema)); err == nil {
			full := s.judge(context.Background(), v)
			if (full == nil) != (got == nil) || full != nil && full.Error() != got.Error() {
				t.Fatalf("%v, in full: %v", got, full)
			}
		}
		if err != nil && got == nil {
			t.Fatal("an unusable schema allows")
		}
		if got != nil && !errors.Is(got, ostiary.CodeValidateSchema) {
			t.Fatalf("another code: %v", got)
		}
	})
}

func BenchmarkSchema(b *testing.B) {
	check, err := Schema(toolWith(filesystemEdit))
	if err != nil {
		b.Fatal(err)
	}
	c := callWith(b, ostiary.EffectRead, `{"path":"src/main.go","edits":[{"oldText":"a","newText":"b"},{"oldText":"c","newText":"d"}],"dryRun":false}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := check.Run(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}
