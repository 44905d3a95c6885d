package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestNewRefuses(t *testing.T) {
	row := func(pattern, source string) Row { return Row{Kind: Tool, Pattern: pattern, Source: source} }
	always := DenyRow{Kind: Tool, Pattern: "files/delete_*", Source: "p:9"}
	for name, tc := range map[string]struct {
		o    Options
		want []string
	}{
		"no slash":        {Options{Rows: []Row{row("read_file", "p:1")}}, []string{"p:1", `"*/read_file"`}},
		"no kind":         {Options{Rows: []Row{{Pattern: "a/b", Source: "p:1"}}}, []string{"p:1", "tool:"}},
		"deny, no slash":  {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "x", Source: "p:2"}}}, []string{"p:2", "no slash"}},
		"equal":           {Options{Rows: []Row{row("a/b*", "p:1"), row("a/b**", "p:2")}}, []string{"p:2", "p:1", "join"}},
		"tie":             {Options{Rows: []Row{row("a/b*", "p:1"), row("a/*b", "p:2")}}, []string{"p:2", "equally specific", "p:1"}},
		"tie upstream":    {Options{Rows: []Row{row("a*/b", "p:1"), row("*a/b", "p:2")}}, []string{"equally specific"}},
		"never":           {Options{Rows: []Row{row("files/delete_a*", "p:1")}, Deny: []DenyRow{always}}, []string{"p:1", "never", "p:9", "narrow"}},
		"syntax":          {Options{Rows: []Row{{Kind: Tool, Pattern: "a/b", Source: "p:1", When: "call.args.x <"}}}, []string{"p:1", "CEL"}},
		"deny syntax":     {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "a/b", Source: "p:1", When: "(("}}}, []string{"p:1", "CEL"}},
		"both":            {Options{Rows: []Row{{Kind: Tool, Pattern: "a/b", Source: "p:1", Approve: true, Unapproved: true}}}, []string{"approve"}},
		"timeout":         {Options{Rows: []Row{{Kind: Tool, Pattern: "a/b", Source: "p:1", Timeout: -1}}}, []string{"timeout"}},
		"limit":           {Options{Rows: []Row{{Kind: Tool, Pattern: "a/b", Source: "p:1", Limits: []ostiary.RateLimit{{Period: time.Minute}}}}}, []string{"30/min"}},
		"scope":           {Options{Rows: []Row{{Kind: Tool, Pattern: "a/b", Source: "p:1", Scopes: []string{""}}}}, []string{"scope"}},
		"effect":          {Options{Rows: []Row{{Kind: Tool, Pattern: "a/b", Source: "p:1", Effect: 77}}}, []string{"effect"}},
		"tools as method": {Options{Rows: []Row{{Kind: Method, Pattern: "a/tools/call", Source: "p:1"}}}, []string{"tool:"}},
	} {
		_, err := New(tc.o)
		if !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", name, err, want)
			}
		}
	}
}

func TestNewJoinsAllProblems(t *testing.T) {
	_, err := New(Options{Rows: []Row{{Kind: Tool, Pattern: "x", Source: "p:1"}, {Kind: Tool, Pattern: "y", Source: "p:2"}}})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 2 {
		t.Fatalf("%v", err)
	}
}

func TestNewAccepts(t *testing.T) {
	row := func(kind Kind, pattern string) Row { return Row{Kind: kind, Pattern: pattern, Source: pattern} }
	_, err := New(Options{
		Rows: []Row{
			row(Tool, "*/*"), row(Tool, "files/*"), row(Tool, "files/read_*"), row(Tool, "files/read_file"), row(Tool, "*/read_file"),
			row(Tool, "git/read_*"), row(Resource, "files/*"), row(Method, "files/*"),
			row(Tool, "files/delete_*"),
		},
		Deny: []DenyRow{
			{Kind: Tool, Pattern: "*/*", When: "has(call.args.x)"}, {Kind: Tool, Pattern: "files/delete_a*"},
			{Kind: Resource, Pattern: "files/*.key"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
