package policy

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

const writeSchema = `{"type":"object","properties":{
 "path":{"type":"string"},"content":{"type":"string"},"count":{"type":"integer"},"amount":{"type":"number"},
 "tags":{"type":"array"},"opts":{"type":"object"},"mode":{"enum":["a","b"]},"any":{"anyOf":[{"type":"string"},{"type":"number"}]},
 "max-size":{"type":"integer"},"dry":{"type":"boolean"},"maybe":{"type":["string","null"]}}}`

func argsCall(t testing.TB, args string) *ostiary.Call {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(args))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return &ostiary.Call{
		Class: ostiary.ClassTool, Method: "tools/call", Upstream: "files", Target: "write_file", Args: v,
		Effect: ostiary.EffectWrite, Received: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Principal: ostiary.Principal{ID: "alice", Scopes: []string{"fs:read", "fs:write"}},
	}
}

func newTestConditions(t testing.TB) *conditions {
	t.Helper()
	cs, err := newConditions()
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func TestConditions(t *testing.T) {
	cs := newTestConditions(t)
	s := scope{tool: "files/write_file", args: newArgTypes([]byte(writeSchema))}
	for _, tc := range []struct{ when, args, want string }{
		{`call.args.content.size() < 5`, `{"content":"abcd"}`, "true"},
		{`call.args.content.size() < 5`, `{"content":"abcde"}`, "false"},
		{`call.args.content.size() < 5`, `{}`, "absent"},
		{`call.args.content.size() < 5`, `{"content":7}`, "another type"},
		{`call.args.content.size() < 5`, `{"content":null}`, "another type"},
		{`!has(call.args.content) || call.args.content.size() < 5`, `{}`, "true"},
		{`has(call.args.content)`, `{"content":null}`, "true"},
		{`call.args.amount > 3`, `{"amount":3.5}`, "true"},
		{`call.args.amount > 3`, `{"amount":4}`, "true"},
		{`call.args.amount <= 9007199254740992`, `{"amount":9007199254740993}`, "exactly"},
		{`call.args.amount <= 100.0`, `{"amount":100.00000000000000001}`, "exactly"},
		{`call.args.amount <= 100`, `{"amount":1e999}`, "exactly"},
		{`call.args.amount == 9007199254740994.0`, `{"amount":9007199254740994}`, "true"},
		{`call.args.count == 9007199254740993`, `{"count":9007199254740993}`, "true"},
		{`call.args.count == 9007199254740993`, `{"count":9007199254740992}`, "false"},
		{`call.args.count < 3`, `{"count":92233720368547758080}`, "exactly"},
		{`call.args.count == 1000`, `{"count":1e3}`, "true"},
		{`call.args.count == 1`, `{"count":1.5}`, "another type"},
		{`call.args.any > 3`, `{"any":4}`, "true"},
		{`call.args.any > 3`, `{"any":"x"}`, "no such overload"},
		{`call.args.any > 3`, `{"any":92233720368547758080}`, "exactly"},
		{`call.args.any == 1.5`, `{"any":1.5}`, "true"},
		{`call.args.maybe == null`, `{"maybe":null}`, "true"},
		{`call.args.tags.exists(t, t == "x")`, `{"tags":["y","x"]}`, "true"},
		{`call.args.tags.all(t, t > 2)`, `{"tags":[3,4]}`, "true"},
		{`call.args.opts.deep.er[0] == 1`, `{"opts":{"deep":{"er":[1]}}}`, "true"},
		{`call.args.opts.deep.er[0] == 1`, `{"opts":{}}`, "no such key"},
		{`has(call.args.opts.deep) && call.args.opts.deep`, `{"opts":{}}`, "false"},
		{`call.args.mode in ["a"]`, `{"mode":"a"}`, "true"},
		{"call.args.`max-size` < 10", `{"max-size":9}`, "true"},
		{`call.args.dry`, `{"dry":true}`, "true"},
		{`[call.args].exists(a, a.path == "x")`, `{"path":"x"}`, "true"},
		{`call.args.path.matches("^/ws/[a-z]+$")`, `{"path":"/ws/abc"}`, "true"},
		{`call.tool == "write_file" && call.upstream == "files" && call.method == "tools/call" && call.target == "write_file"`, `{}`, "true"},
		{`call.effect == "write" && principal.id == "alice" && "fs:write" in principal.scopes`, `{}`, "true"},
		{`call.time.getHours() == 5 && call.time < timestamp("2027-01-01T00:00:00Z")`, `{}`, "true"},
		{`call.args.count / call.args.count == 1`, `{"count":0}`, "zero"},
		{`call.args.count + 1 > 0`, `{"count":9223372036854775807}`, "overflow"},
		{`int(call.args.path) == 1`, `{"path":"s3cret"}`, "evaluation failed"},
		{`call.args.any`, `{"any":"x"}`, "neither true nor false"},
		{`call.args.count > 1`, `[1]`, "no object"},
	} {
		c, err := cs.compile(tc.when, s)
		if err != nil {
			t.Errorf("%s: %v", tc.when, err)
			continue
		}
		holds, err := c.Holds(context.Background(), argsCall(t, tc.args))
		got := map[bool]string{true: "true", false: "false"}[holds]
		if err != nil {
			got = err.Error()
			if holds || strings.Contains(got, "s3cret") {
				t.Errorf("%s on %s: holds %v, error %q", tc.when, tc.args, holds, got)
			}
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s on %s: got %q, want %q", tc.when, tc.args, got, tc.want)
		}
	}
}

func TestConditionsThatDoNotCompile(t *testing.T) {
	cs := newTestConditions(t)
	s := scope{tool: "files/write_file", args: newArgTypes([]byte(writeSchema))}
	for _, tc := range []struct{ when, want string }{
		{`call.args.pth == "x"`, `did you mean "path"?`},
		{`has(call.args.contnt)`, `did you mean "content"?`},
		{`call.tol == "x"`, `call.tol does not exist; did you mean "tool"?`},
		{`principal.scope == "x"`, `did you mean "scopes"?`},
		{`call.args.count == "x"`, "no matching overload"},
		{`call.args.amount == 100`, "write 100.0"},
		{`call.args.content`, "true or false"},
		{`calls.args.content == ""`, "undeclared"},
		{`call.args.path.matches("(")`, "invalid matches"},
		{`call.args.path.matches("(a{1000}){1000}")`, "invalid matches"},
		{`call.args.tags.all(a, call.args.tags.all(b, call.args.tags.all(c, a == b)))`, "cost"},
		{strings.Repeat("true && ", 1000) + "true", "size"},
	} {
		if _, err := cs.compile(tc.when, s); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.60s: got %v, want %q", tc.when, err, tc.want)
		}
	}
	if err := cs.parse(`call.args.x <`); err == nil {
		t.Error("a syntax error passes")
	}
	if err := cs.parse(`call.args.pth < 1`); err != nil {
		t.Error(err)
	}
}

// TestConditionIsBounded runs a condition that looks small on assumed sizes on
// arguments that are much larger.
func TestConditionIsBounded(t *testing.T) {
	cs := newTestConditions(t)
	c, err := cs.compile(`call.args.tags.exists(a, call.args.tags.exists(b, b > a))`, scope{args: newArgTypes([]byte(writeSchema))})
	if err != nil {
		t.Fatal(err)
	}
	call := argsCall(t, `{"tags":[1,1]}`)
	if holds, err := c.Holds(context.Background(), call); holds || err != nil {
		t.Fatalf("%v %v", holds, err)
	}
	var many []any
	for range 50_000 {
		many = append(many, json.Number("1"))
	}
	call.Args.(map[string]any)["tags"] = many
	if holds, err := c.Holds(context.Background(), call); holds || !errors.Is(err, errCost) {
		t.Fatalf("%v %v", holds, err)
	}
}

func TestUndeclaredArguments(t *testing.T) {
	cs := newTestConditions(t)
	for _, schema := range []string{``, `{"type":"object"}`, `{"type":"object","properties":{"a":{}},"additionalProperties":true}`,
		`{"type":"object","properties":{"a":{}},"allOf":[{}]}`} {
		c, err := cs.compile(`call.args.b == 1`, scope{args: newArgTypes([]byte(schema))})
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		if holds, err := c.Holds(context.Background(), argsCall(t, `{"b":1}`)); !holds || err != nil {
			t.Errorf("%s: %v %v", schema, holds, err)
		}
		if holds, err := c.Holds(context.Background(), argsCall(t, `{}`)); holds || err == nil {
			t.Errorf("%s: absent: %v %v", schema, holds, err)
		}
	}
}

func BenchmarkCondition(b *testing.B) {
	cs := newTestConditions(b)
	args := newArgTypes([]byte(writeSchema))
	c, err := cs.compile(`call.args.content.size() < 100000 && call.args.path.startsWith("/ws/")`, scope{args: args})
	if err != nil {
		b.Fatal(err)
	}
	call := argsCall(b, `{"content":"abcd","path":"/ws/a"}`)
	b.Run("holds", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, err := c.Holds(context.Background(), call); !ok || err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if err := cs.parse(`call.args.content.size() < 100000`); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			if _, err := cs.compile(`call.args.content.size() < 100000`, scope{args: args}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
