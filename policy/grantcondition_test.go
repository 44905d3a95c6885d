package policy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

var grantable = []ostiary.Tool{
	{Upstream: "files", Name: "delete_file", InputSchema: []byte(`{"type":"object","properties":{"path":{"type":"string"}}}`)},
	{Upstream: "files", Name: "delete_tree", InputSchema: []byte(`{"type":"object","properties":{"path":{"type":"string"},"depth":{"type":"integer"}}}`)},
	{Upstream: "files", Name: "delete_list", InputSchema: []byte(`{"type":"object","properties":{"path":{"type":"array"}}}`)},
	{Upstream: "mail", Name: "delete_file", InputSchema: []byte(`{"type":"object","properties":{"id":{"type":"string"}}}`)},
}

func TestCheckCondition(t *testing.T) {
	p, err := policy.New(policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pattern, text string
		tools         int
		wrong         string
	}{
		{"files/delete_*", "", 3, ""},
		{"*/*", "", 4, ""},
		{"files/nothing", "", 0, ""},
		{"files/delete_file", `call.args.path.startsWith("/tmp/")`, 1, ""},
		{"files/delete_file", `call.args.pth.startsWith("/tmp/")`, 1, `did you mean "path"?`},
		{"files/delete_file", `call.args.path.startsWith("/tmp/"`, 1, "1:"},
		{"files/delete_file", `call.args.path == 3`, 1, "files/delete_file"},
		{"files/delete_file", `call.args.path`, 1, "must be true or false"},
		{"files/delete_??le", `true`, 0, "no known tool fits"},
		{"files/delete_fil", `true`, 0, `did you mean "files/delete_file"?`},
		{"delete_file", `true`, 0, "no slash"},
		{"files/delete_[!x]", `true`, 0, "no known tool"},
		{"files/*e", `!has(call.args.depth) || call.args.depth < 2`, 2, ""}, // one of them has it
		{"files/delete_*", `call.args.path.startsWith("/tmp/")`, 3, "files/delete_list"},
		{"mail/*", `call.args.depth < 2`, 1, `no argument "depth"`},
	} {
		named, err := p.CheckCondition(c.pattern, c.text, grantable)
		if len(named) != c.tools {
			t.Errorf("%s names %d tools, want %d", c.pattern, len(named), c.tools)
		}
		switch {
		case c.wrong == "":
			if err != nil {
				t.Errorf("%s when %s: %v", c.pattern, c.text, err)
			}
		case !errors.Is(err, ostiary.CodeConfigInvalid) || !strings.Contains(err.Error(), c.wrong):
			t.Errorf("%s when %s: got %v, want %q in it", c.pattern, c.text, err, c.wrong)
		}
	}
}

func TestCompileCondition(t *testing.T) {
	p, err := policy.New(policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	call := func(args string) *ostiary.Call {
		c := &ostiary.Call{Upstream: "files", Target: "delete_tree", Class: ostiary.ClassTool}
		d := json.NewDecoder(strings.NewReader(args))
		d.UseNumber()
		if err := d.Decode(&c.Args); err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, err := p.CompileCondition(grantable[1], `call.args.path.startsWith("/tmp/") && (!has(call.args.force) || call.args.force == "no")`, "a grant")
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]bool{
		`{"path":"/tmp/a"}`: true, `{"path":"/tmp/a","force":"no"}`: true, `{"path":"/tmp/a","force":"yes"}`: false, `{"path":"/etc/a"}`: false,
	} {
		if got, err := one.Holds(t.Context(), call(args)); err != nil || got != want {
			t.Errorf("%s: %v, %v", args, got, err)
		}
	}
	for _, args := range []string{`{}`, `{"path":3}`} {
		if got, err := one.Holds(t.Context(), call(args)); err == nil || got {
			t.Errorf("%s: %v, %v", args, got, err)
		}
	}
	for _, text := range []string{"", "call.args.path", "call.args.path ==", "call.nothing == 1"} {
		if _, err := p.CompileCondition(grantable[1], text, "a grant"); err == nil || !strings.Contains(err.Error(), "a grant") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
