package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestDefaultsOfWhatIsNoTool(t *testing.T) {
	b, _ := mustNew(t, Options{}).Compile("files", nil)
	for _, tc := range []struct {
		method  string
		class   ostiary.Class
		target  string
		allowed bool
		closed  bool
	}{
		{"initialize", ostiary.ClassControl, "", true, true}, {"tools/list", ostiary.ClassList, "", true, true},
		{"notifications/progress", ostiary.ClassNotification, "", true, true},
		{"resources/read", ostiary.ClassResource, "file:///x", true, false}, {"prompts/get", ostiary.ClassPrompt, "p", true, false},
		{"completion/complete", ostiary.ClassCompletion, "", true, false}, {"tasks/get", ostiary.ClassTask, "", true, false},
		{"tasks/update", ostiary.ClassTaskInput, "", true, false}, {"subscriptions/listen", ostiary.ClassSubscribe, "", true, false},
		{"roots/list", ostiary.ClassRoots, "", true, false}, {"", ostiary.ClassAnswer, "", true, false},
		{"elicitation/create", ostiary.ClassElicitation, "form", true, false},
		{"elicitation/create", ostiary.ClassElicitation, "url", false, false}, {"elicitation/create", ostiary.ClassElicitation, "", false, false},
		{"sampling/createMessage", ostiary.ClassSampling, "", false, false},
		{"vendor/x", ostiary.ClassUnknown, "", false, false}, {"", ostiary.ClassMalformed, "", false, false}, {"x", 200, "", false, false},
	} {
		r := b.Method(tc.method, tc.class, tc.target)
		if allowed := r.Forbid == nil && r.Ask == ""; allowed != tc.allowed || r.Closed != tc.closed {
			t.Errorf("%s (%s): %+v", tc.method, tc.class, r)
		}
		if tc.allowed && r.Effect != ostiary.EffectRead || !tc.allowed && r.Forbid.Code != ostiary.CodePolicyMethod {
			t.Errorf("%s (%s): %+v", tc.method, tc.class, r)
		}
	}
	if m := b.Method("vendor/x", ostiary.ClassUnknown, "").Forbid.Message; !strings.Contains(m, "rules: [{method: files/vendor/x}]") {
		t.Error(m)
	}
	if b.Method("tools/call", ostiary.ClassTool, "x").Forbid.Code != ostiary.CodePolicyUnknown {
		t.Error("a tool call by way of Method is not the tool's")
	}
}

func TestMethodAndResourceRows(t *testing.T) {
	p := mustNew(t, Options{
		Rows: []Row{
			{Kind: Method, Pattern: "files/sampling/createMessage", Source: "p:1", Scopes: []string{"model"}},
			{Kind: Method, Pattern: "files/vendor/*", Source: "p:2"},
			{Kind: Method, Pattern: "files/vendor/d", Source: "p:3", Effect: ostiary.EffectDestructive},
			{Kind: Method, Pattern: "files/vendor/u", Source: "p:4", Effect: ostiary.EffectDestructive, Unapproved: true},
			{Kind: Method, Pattern: "files/vendor/a", Source: "p:5", Approve: true},
			{Kind: Method, Pattern: "files/vendor/bad", Source: "p:6", When: `call.tol == ""`},
			{Kind: Resource, Pattern: "files/file:///ws/*", Source: "p:7", Closed: true, Scopes: []string{"fs:read"}},
			{Kind: Method, Pattern: "files/resources/read", Source: "p:8", Scopes: []string{"any"}},
			{Kind: Method, Pattern: "other/*", Source: "p:9"},
		},
		Deny: []DenyRow{
			{Kind: Resource, Pattern: "*/*.key", Source: "d:1"},
			{Kind: Method, Pattern: "*/vendor/forbidden*", Source: "d:2"},
			{Kind: Method, Pattern: "*/vendor/broken", Source: "d:3", When: `call.tol == ""`},
		},
	})
	b, _ := p.Compile("files", nil)
	for _, tc := range []struct {
		method, target string
		class          ostiary.Class
		pattern        string
		code           ostiary.Code
		effect         ostiary.Effect
	}{
		{"sampling/createMessage", "", ostiary.ClassSampling, "files/sampling/createMessage", ostiary.CodePolicyScope, ostiary.EffectRead},
		{"vendor/x", "", ostiary.ClassUnknown, "files/vendor/*", "", ostiary.EffectWrite},
		{"vendor/d", "", ostiary.ClassUnknown, "files/vendor/d", ostiary.CodeApprovalRequired, ostiary.EffectDestructive},
		{"vendor/u", "", ostiary.ClassUnknown, "files/vendor/u", "", ostiary.EffectDestructive},
		{"vendor/a", "", ostiary.ClassUnknown, "files/vendor/a", ostiary.CodeApprovalRequired, ostiary.EffectWrite},
		{"vendor/bad", "", ostiary.ClassUnknown, "files/vendor/bad", ostiary.CodePolicyRule, ostiary.EffectDestructive},
		{"vendor/forbidden1", "", ostiary.ClassUnknown, "files/vendor/*", ostiary.CodePolicyDeny, ostiary.EffectWrite},
		{"vendor/broken", "", ostiary.ClassUnknown, "files/vendor/*", ostiary.CodePolicyDeny, ostiary.EffectWrite},
		{"resources/read", "file:///ws/a", ostiary.ClassResource, "files/file:///ws/*", "", ostiary.EffectRead},
		{"resources/read", "file:///ws/a.key", ostiary.ClassResource, "files/file:///ws/*", ostiary.CodePolicyDeny, ostiary.EffectRead},
		{"resources/read", "https://x/", ostiary.ClassResource, "files/resources/read", ostiary.CodePolicyScope, ostiary.EffectRead},
		{"resources/subscribe", "https://x/", ostiary.ClassResource, "files/resources/read", ostiary.CodePolicyScope, ostiary.EffectRead},
		{"vendor/x", "", ostiary.ClassMalformed, "", ostiary.CodePolicyMethod, ostiary.EffectDestructive},
	} {
		for range 2 { // the second answer is a remembered one
			r := b.Method(tc.method, tc.class, tc.target)
			c := &ostiary.Call{Rule: r, Effect: r.Effect, Method: tc.method, Class: tc.class, Target: tc.target, Upstream: "files",
				Principal: ostiary.Principal{ID: "alice", Scopes: []string{"fs:read"}}}
			d, err := p.Gate().Check(context.Background(), c)
			if err != nil || d.Code != tc.code || r.Pattern != tc.pattern || r.Effect != tc.effect {
				t.Errorf("%s %s: %+v, %+v", tc.method, tc.target, d, r)
			}
		}
	}
}

func TestMemoryOfTargetsIsBounded(t *testing.T) {
	b, _ := mustNew(t, Options{}).Compile("files", nil)
	for i := range 3 * maxRemembered {
		b.Resource(fmt.Sprint("file:///", i))
	}
	b.Resource(strings.Repeat("x", 1<<20))
	if n := len(b.other.remembered); n > maxRemembered {
		t.Fatalf("%d answers remembered", n)
	}
}

// TestSubscriptionsHaveTheRowsOfReading: a row about resources/subscribe speaks, one
// about resources/read speaks where there is none, and what is denied to read is denied
// to subscribe to, but not the reverse.
func TestSubscriptionsHaveTheRowsOfReading(t *testing.T) {
	b, problems := mustNew(t, Options{
		Rows: []Row{
			{Kind: Method, Pattern: "files/resources/read", Effect: ostiary.EffectRead, Scopes: []string{"read"}},
			{Kind: Method, Pattern: "files/resources/subscribe", Effect: ostiary.EffectRead, Scopes: []string{"watch"}},
		},
	}).Compile("files", nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	denied := func(method string) *Book {
		b, _ := mustNew(t, Options{Deny: []DenyRow{{Kind: Method, Pattern: "files/" + method}}}).Compile("files", nil)
		return b
	}
	reading, subscribing := denied("resources/read"), denied("resources/subscribe")
	for _, c := range []struct {
		of     *Book
		method string
		scopes string
		deny   int
	}{
		{b, "resources/read", "read", 0}, {b, "resources/subscribe", "watch", 0}, {b, "resources/unsubscribe", "read", 0},
		{reading, "resources/read", "", 1}, {reading, "resources/subscribe", "", 1},
		{subscribing, "resources/read", "", 0}, {subscribing, "resources/subscribe", "", 1}, {subscribing, "resources/unsubscribe", "", 0},
	} {
		rule := c.of.Method(c.method, ostiary.ClassResource, "file:///x")
		if got := strings.Join(rule.Scopes, " "); got != c.scopes || len(rule.Deny) != c.deny {
			t.Errorf("%s: scopes %q, %d deny rows; want %q, %d", c.method, got, len(rule.Deny), c.scopes, c.deny)
		}
	}
}
