package policy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func check(t *testing.T, o Options, c *ostiary.Call) ostiary.Decision {
	t.Helper()
	d, err := mustNew(t, o).Gate().Check(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func allowedRule() *ostiary.Rule {
	return &ostiary.Rule{Pattern: "files/write_file", Source: "p:1", Effect: ostiary.EffectWrite}
}

func condition(holds bool, err error) ostiary.Condition {
	return ostiary.Condition{Source: "call.args.x < 1", Reason: "keys stay home", Holds: func(context.Context, *ostiary.Call) (bool, error) { return holds, err }}
}

func panics() ostiary.Condition {
	return ostiary.Condition{Source: "boom", Holds: func(context.Context, *ostiary.Call) (bool, error) { panic("boom") }}
}

// TestLawDenyIsTheZeroValue: whatever is missing, broken or panics denies. The
// first case is the positive control.
func TestLawDenyIsTheZeroValue(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(c *ostiary.Call)
		code ostiary.Code
	}{
		{"control", func(*ostiary.Call) {}, ""},
		{"nil rule", func(c *ostiary.Call) { c.Rule = nil }, ostiary.CodePolicyRule},
		{"zero rule", func(c *ostiary.Call) { c.Rule = &ostiary.Rule{} }, ostiary.CodePolicyRule},
		{"unknown effect", func(c *ostiary.Call) { c.Effect = ostiary.EffectUnknown }, ostiary.CodePolicyRule},
		{"forbid", func(c *ostiary.Call) { c.Rule.Forbid = &ostiary.Error{Code: ostiary.CodePolicyUnknown} }, ostiary.CodePolicyUnknown},
		{"nobody", func(c *ostiary.Call) { c.Principal = ostiary.Principal{} }, ostiary.CodeAuthNobody},
		{"deny row holds", func(c *ostiary.Call) {
			c.Rule.Deny = []ostiary.Condition{condition(false, nil), condition(true, nil)}
		}, ostiary.CodePolicyDeny},
		{"deny row fails", func(c *ostiary.Call) { c.Rule.Deny = []ostiary.Condition{condition(false, errors.New("x"))} }, ostiary.CodePolicyDeny},
		{"deny row panics", func(c *ostiary.Call) { c.Rule.Deny = []ostiary.Condition{panics()} }, ostiary.CodePolicyDeny},
		{"zero deny row", func(c *ostiary.Call) { c.Rule.Deny = []ostiary.Condition{{}} }, ostiary.CodePolicyDeny},
		{"scope", func(c *ostiary.Call) { c.Rule.Scopes = []string{"fs"} }, ostiary.CodePolicyScope}, // fs:read implies nothing
		{"when false", func(c *ostiary.Call) { c.Rule.When = ptr(condition(false, nil)) }, ostiary.CodePolicyWhen},
		{"when fails", func(c *ostiary.Call) { c.Rule.When = ptr(condition(true, errors.New("x"))) }, ostiary.CodePolicyWhen},
		{"when panics", func(c *ostiary.Call) { c.Rule.When = ptr(panics()) }, ostiary.CodePolicyWhen},
		{"zero when", func(c *ostiary.Call) { c.Rule.When = &ostiary.Condition{} }, ostiary.CodePolicyWhen},
	} {
		c := argsCall(t, `{}`)
		c.Rule = allowedRule()
		tc.edit(c)
		d := check(t, Options{}, c)
		if tc.code == "" {
			if d.Verdict != ostiary.Allow {
				t.Errorf("%s: %+v", tc.name, d)
			}
			continue
		}
		if d.Verdict != ostiary.Deny || d.Code != tc.code || d.Stage != "policy" || tc.name != "forbid" && d.Message == "" {
			t.Errorf("%s: %+v", tc.name, d)
		}
	}
	d, err := mustNew(t, Options{}).Gate().Check(context.Background(), nil)
	if err != nil || d.Verdict != ostiary.Deny || d.Code != ostiary.CodePanic {
		t.Errorf("nil call: %+v %v", d, err)
	}
}

// explosive panics when CEL reads it, as a broken map would.
type explosive map[string]any

func TestPanicInsideCELDenies(t *testing.T) {
	cs := newTestConditions(t)
	when, err := cs.compile(`call.tool == "write_file"`, scope{args: &argTypes{free: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*ostiary.Call{nil, {Args: explosive{}}} {
		if holds, err := when.Holds(context.Background(), c); holds || c == nil && err == nil {
			t.Errorf("%v %v", holds, err)
		}
	}
	inside := &ostiary.Condition{Source: "x", Holds: func(_ context.Context, c *ostiary.Call) (bool, error) {
		return evaluate(nil, c) // a nil program panics where CEL would run
	}}
	c := argsCall(t, `{}`)
	c.Rule = allowedRule()
	c.Rule.When = inside
	if d := check(t, Options{}, c); d.Code != ostiary.CodePolicyWhen || d.Verdict != ostiary.Deny {
		t.Fatalf("%+v", d)
	}
}

func TestGateOrder(t *testing.T) {
	c := argsCall(t, `{}`)
	c.Rule = &ostiary.Rule{
		Effect: ostiary.EffectWrite, Forbid: &ostiary.Error{Code: ostiary.CodePolicyUnknown}, Deny: []ostiary.Condition{condition(true, nil)},
		Scopes: []string{"none"}, When: ptr(condition(false, nil)), Ask: "ask", AskNext: "next",
	}
	c.Principal.ID = ""
	fix := []func(){
		func() { c.Rule.Forbid = nil }, func() { c.Principal.ID = "alice" }, func() { c.Rule.Deny = nil },
		func() { c.Rule.Scopes = nil }, func() { c.Rule.When = nil }, func() { c.Rule.Ask = "" },
	}
	for i, want := range []ostiary.Code{ostiary.CodePolicyUnknown, ostiary.CodeAuthNobody, ostiary.CodePolicyDeny, ostiary.CodePolicyScope, ostiary.CodePolicyWhen, ostiary.CodeApprovalRequired, ""} {
		if d := check(t, Options{}, c); d.Code != want {
			t.Fatalf("step %d: got %q, want %q", i, d.Code, want)
		}
		if i < len(fix) {
			fix[i]()
		}
	}
}

func TestMessagesHelpAndKeepValues(t *testing.T) {
	c := argsCall(t, `{"x":"s3cret"}`)
	c.Rule = allowedRule()
	c.Rule.Scopes = []string{"fs:read", "fs:delete"}
	d := check(t, Options{}, c)
	if d.Message != "missing scope fs:delete: add it to principals.alice.scopes, or reconnect with it" {
		t.Errorf("%q", d.Message)
	}
	d = check(t, Options{PrincipalHint: "alice"}, c)
	if !strings.Contains(d.Message, "principals: {alice: {user: alice, scopes: [fs:delete]}}") {
		t.Errorf("%q", d.Message)
	}
	c.Rule.Scopes, c.Rule.When = nil, ptr(condition(false, nil))
	d = check(t, Options{}, c)
	if !strings.Contains(d.Message, "call.args.x < 1") || strings.Contains(d.Message+d.Reason, "s3cret") {
		t.Errorf("%+v", d)
	}
	c.Rule.When, c.Rule.Deny = nil, []ostiary.Condition{condition(true, nil)}
	d = check(t, Options{}, c)
	if !strings.Contains(d.Reason, "keys stay home") || strings.Contains(d.Message, "keys stay home") || !strings.Contains(d.Message, "ask the operator") {
		t.Errorf("%+v", d)
	}
	c.Rule.Deny, c.Rule.Ask, c.Rule.AskNext = nil, "why", "next"
	if d = check(t, Options{}, c); d.Verdict != ostiary.Ask || d.Reason != "why" || d.Message != "next" {
		t.Errorf("%+v", d)
	}
}

// TestDenyRowsAlwaysWin drives compiled deny rows, with the same call allowed
// without them as the positive control.
func TestDenyRowsAlwaysWin(t *testing.T) {
	forbids := func(tool ostiary.Tool) (*ostiary.Condition, error) {
		if !strings.Contains(string(tool.InputSchema), `"path"`) {
			return nil, nil
		}
		return &ostiary.Condition{Holds: func(_ context.Context, c *ostiary.Call) (bool, error) {
			return c.Args.(map[string]any)["path"] == "/secret", nil
		}}, nil
	}
	for _, tc := range []struct {
		name       string
		deny       []DenyRow
		tool, args string
		denied     bool
	}{
		{"control", nil, "read", `{"path":"/secret"}`, false},
		{"always", []DenyRow{{Kind: Tool, Pattern: "files/rea*"}}, "read", `{}`, true},
		{"another upstream", []DenyRow{{Kind: Tool, Pattern: "git/*"}}, "read", `{}`, false},
		{"method", []DenyRow{{Kind: Method, Pattern: "*/tools/*"}}, "read", `{}`, true},
		{"when", []DenyRow{{Kind: Tool, Pattern: "*/*", When: `call.args.path == "/secret"`}}, "read", `{"path":"/secret"}`, true},
		{"when is false", []DenyRow{{Kind: Tool, Pattern: "*/*", When: `call.args.path == "/secret"`}}, "read", `{"path":"/x"}`, false},
		{"when cannot be judged", []DenyRow{{Kind: Tool, Pattern: "*/*", When: `call.args.path == "/secret"`}}, "read", `{}`, true},
		{"when with has", []DenyRow{{Kind: Tool, Pattern: "*/*", When: `has(call.args.path) && call.args.path == "/secret"`}}, "plain", `{}`, false},
		{"args", []DenyRow{{Kind: Tool, Pattern: "*/*", Forbids: forbids}}, "read", `{"path":"/secret"}`, true},
		{"args, another value", []DenyRow{{Kind: Tool, Pattern: "*/*", Forbids: forbids}}, "read", `{"path":"/x"}`, false},
		{"args, no such argument", []DenyRow{{Kind: Tool, Pattern: "*/*", Forbids: forbids}}, "plain", `{}`, false},
		{"args and when", []DenyRow{{Kind: Tool, Pattern: "*/*", Forbids: forbids, When: `call.upstream == "git"`}}, "read", `{"path":"/secret"}`, false},
	} {
		p := mustNew(t, Options{Deny: tc.deny, Rows: []Row{{Kind: Tool, Pattern: "files/*", Effect: ostiary.EffectRead}}[:count(tc.name != "always")]})
		b, problems := p.Compile("files", []ostiary.Tool{readTool("read", pathSchema), readTool("plain", "")})
		c := argsCall(t, tc.args)
		c.Rule, c.Target = b.Tool(tc.tool), tc.tool
		c.Effect = c.Rule.Effect
		d, err := p.Gate().Check(context.Background(), c)
		if err != nil || (d.Code == ostiary.CodePolicyDeny) != tc.denied || len(problems) > 0 {
			t.Errorf("%s: %+v %v %v", tc.name, d, err, problems)
		}
	}
}

// TestMissingScopeSaysWhoGivesIt: a principal that can have a row is shown the row;
// one that comes with a key or a token is not sent to a row that could not help.
func TestMissingScopeSaysWhoGivesIt(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "add it to principals.alice.scopes, or reconnect with it",
		"kim":   "reconnect with it, or ask the operator, who gives it to kim",
	} {
		p, err := New(Options{Named: map[string]bool{"alice": true}})
		if err != nil {
			t.Fatal(err)
		}
		c := &ostiary.Call{Principal: ostiary.Principal{ID: name}, Effect: ostiary.EffectRead,
			Rule: &ostiary.Rule{Pattern: "up/x", Effect: ostiary.EffectRead, Scopes: []string{"fs:read"}}}
		d, err := p.Gate().Check(t.Context(), c)
		if err != nil || d.Code != ostiary.CodePolicyScope || d.Message != "missing scope fs:read: "+want {
			t.Errorf("%s: %s %q %v", name, d.Code, d.Message, err)
		}
	}
}
