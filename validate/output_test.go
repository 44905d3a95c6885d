package validate

import (
	"fmt"
	"strings"
	"testing"
)

func TestOutputsFits(t *testing.T) {
	var o Outputs
	const schema = `{"type":"object","properties":{"key":{"type":"string","pattern":"^[a-z]+$"},"n":{"type":"integer"}},"required":["key"]}`
	for _, c := range []struct {
		schema, content string
		want            bool
	}{
		{schema, `{"key":"abc","n":1,"other":null}`, true},
		{schema, `{"key":"[REDACTED:github-pat]"}`, false},
		{schema, `{"n":1}`, false},
		{schema, `[]`, false},
		{schema, `{"key":"abc","key":"abc"}`, false},
		{schema, `{`, false},
		{`{"type":`, `{}`, false},
		{``, `{}`, false},
		{`{"items":[` + strings.Repeat(`{"a":[`, 80) + strings.Repeat(`]}`, 80) + `]}`, `{}`, false},
		{`true`, `{}`, true},
	} {
		for range 2 { // compiled and kept
			if got := o.Fits([]byte(c.schema), []byte(c.content)); got != c.want {
				t.Errorf("%.80s of %s: %v", c.content, c.schema, got)
			}
		}
	}
	for i := range 2 * maxOutputs {
		if !o.Fits(fmt.Appendf(nil, `{"maximum":%d}`, i), []byte("0")) {
			t.Fatal(i)
		}
		if len(o.compiled) > maxOutputs {
			t.Fatalf("%d schemas are kept", len(o.compiled))
		}
	}
}
