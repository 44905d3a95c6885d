package validate

import (
	"context"
	"strings"
	"testing"
)

// TestPlainSchemas checks which arguments are judged without the library, and that
// the library says yes to them too.
func TestPlainSchemas(t *testing.T) {
	object := func(rest string) string { return `{"type":"object",` + rest + `}` }
	text := object(`"properties":{"t":{"type":"string","description":"a text","x-mcp-header":"T"}},"required":["t"],"additionalProperties":false`)
	nested := object(`"properties":{"a":{"type":"array","items":{"type":"object","properties":{"n":{"type":["integer","null"]}}}}}`)
	for _, c := range []struct {
		name, schema, args string
		plain              bool
	}{
		{"a text", text, `{"t":"x"}`, true},
		{"missing", text, `{}`, false},
		{"another type", text, `{"t":1}`, false},
		{"one too many", text, `{"t":"x","u":1}`, false},
		{"only by case", object(`"properties":{"t":{"type":"string"}}`), `{"T":"x"}`, false},
		{"unknown, where it may be", object(`"properties":{"t":{"type":"string"}}`), `{"u":"x"}`, false},
		{"nested", nested, `{"a":[{"n":1},{"n":null},{}]}`, true},
		{"nested, wrong", nested, `{"a":[{"n":"1"}]}`, false},
		{"a fraction", object(`"properties":{"n":{"type":"number"}}`), `{"n":1.5}`, false},
		{"an integer as number", object(`"properties":{"n":{"type":"number"}}`), `{"n":-1}`, true},
		{"an integer that is large", object(`"properties":{"n":{"type":"integer"}}`), `{"n":18446744073709551616}`, false},
		{"more is said of one that is not there", object(`"properties":{"t":{"type":"string"},"e":{"type":"string","enum":["a"]}}`), `{"t":"x"}`, true},
		{"more is said of one that is there", object(`"properties":{"t":{"type":"string"},"e":{"type":"string","enum":["a"]}}`), `{"t":"x","e":"a"}`, false},
		{"more is said of the whole", object(`"properties":{"t":{"type":"string"}},"minProperties":1`), `{"t":"x"}`, false},
		{"a pattern that the library does not know", object(`"properties":{"t":{"type":"string","pattern":"^(?!x)"},"u":{"type":"string"}}`), `{"u":"x"}`, false},
		{"a reference", object(`"properties":{"t":{"$ref":"#/$defs/s"}},"$defs":{"s":{"type":"string"}}`), `{"t":"x"}`, false},
		{"any type", object(`"properties":{"t":{}}`), `{"t":"x"}`, false},
		{"very many", object(`"properties":{"a":{"type":"array","items":{"type":"boolean"}}}`), `{"a":[` + strings.Repeat("true,", plainBudget) + `true]}`, false},
	} {
		s, err := compileSchema([]byte(c.schema))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		v, budget := decode(t, c.args), plainBudget
		got := s.plain.allows(v, &budget)
		if got != c.plain {
			t.Errorf("%s: plain is %t", c.name, got)
		}
		if full := s.judge(context.Background(), v); got && full != nil {
			t.Errorf("%s is allowed, in full: %v", c.name, full)
		}
	}
}
