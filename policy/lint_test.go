package policy

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestLint(t *testing.T) {
	upstreams := map[string][]ostiary.Tool{
		"files": {readTool("read_file", pathSchema), readTool("list_directory", pathSchema), {Name: "write_file", InputSchema: []byte(writeSchema), Annotations: ostiary.Annotations{Destructive: yes}}, readTool("delete_all", "")},
		"git":   {readTool("log", `{"properties":{"repo":{"type":"string"}}}`)},
	}
	rule := func(pattern string, edit func(*Row)) Options {
		r := Row{Kind: Tool, Pattern: pattern, Source: "p:1", Effect: ostiary.EffectRead}
		if edit != nil {
			edit(&r)
		}
		return Options{Rows: []Row{r}}
	}
	when := func(text string) func(*Row) { return func(r *Row) { r.When = text } }
	for name, tc := range map[string]struct {
		o        Options
		severity Severity
		want     string // "" is no finding
	}{
		"clean":                  {rule("files/read_*", nil), "", ""},
		"no such server":         {rule("fils/read_*", nil), SeverityError, `no server is called fils; did you mean "files"?`},
		"no such tool":           {rule("files/raed_file", nil), SeverityError, `matches none of the server's tools; did you mean "read_file"?`},
		"misspelt":               {rule("files/read_file", when(`call.args.pth == ""`)), SeverityError, `did you mean "path"?`},
		"misspelt for servers":   {rule("*/*", when(`call.args.rpeo == ""`)), SeverityError, `no argument "rpeo"`},
		"of another server":      {Options{Rows: []Row{{Kind: Tool, Pattern: "*/l*", Source: "p:1", When: `call.args.repo == ""`}}}, "", ""},
		"weaker than annotation": {rule("files/write_file", nil), SeverityWarning, "destructiveHint: true"},
		"weaker than name":       {rule("files/delete_*", nil), SeverityWarning, `its name says "delete"`},
		"needless unapproved":    {rule("files/read_*", func(r *Row) { r.Unapproved = true }), SeverityWarning, "dangerously_unapproved"},
		"never speaks": {Options{Rows: []Row{{Kind: Tool, Pattern: "*/read_*", Source: "p:1"}, {Kind: Tool, Pattern: "files/read_file", Source: "p:2"}}},
			SeverityError, "never speaks"},
		"deny matches nothing": {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "files/remove_*", Source: "p:1"}}}, SeverityError, "matches none"},
		"deny without has":     {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "*/*", Source: "p:1", When: `call.args.repo == "x"`}}}, SeverityWarning, "does not have"},
		"deny with has":        {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "*/*", Source: "p:1", When: `has(call.args.repo) && call.args.repo == "x"`}}}, "", ""},
		"method":               {Options{Rows: []Row{{Kind: Method, Pattern: "files/x", Source: "p:1", When: `call.tol == ""`}}}, SeverityError, `did you mean "tool"?`},
		"deny of no argument": {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "files/*", Source: "p:1",
			Forbids: func(ostiary.Tool) (*ostiary.Condition, error) { return nil, nil }}}}, SeverityWarning, "none of the tools that it matches has such an argument"},
		"deny of an argument": {Options{Deny: []DenyRow{{Kind: Tool, Pattern: "files/*", Source: "p:1",
			Forbids: func(t ostiary.Tool) (*ostiary.Condition, error) {
				if t.Name != "read_file" {
					return nil, nil
				}
				return &ostiary.Condition{}, nil
			}}}}, "", ""},
		"no such method":  {Options{Rows: []Row{{Kind: Method, Pattern: "files/sampling/createMesage", Source: "p:1"}}}, SeverityWarning, "has the method"},
		"a method":        {Options{Rows: []Row{{Kind: Method, Pattern: "files/sampling/createMessage", Source: "p:1"}}}, "", ""},
		"resource server": {Options{Deny: []DenyRow{{Kind: Resource, Pattern: "fils/x", Source: "p:1"}}}, SeverityError, `did you mean "files"?`},
	} {
		found := mustNew(t, tc.o).Lint(upstreams)
		if tc.want == "" {
			if len(found) > 0 {
				t.Errorf("%s: %+v", name, found)
			}
			continue
		}
		hit := false
		for _, f := range found {
			hit = hit || f.Severity == tc.severity && f.Source == "p:1" && f.Next != "" && strings.Contains(f.Message, tc.want)
		}
		if !hit {
			t.Errorf("%s: %+v lacks %q", name, found, tc.want)
		}
	}
}

func TestExplain(t *testing.T) {
	p := mustNew(t, Options{
		Rows: []Row{{Kind: Tool, Pattern: "*/*", Source: "p:1"}, {Kind: Tool, Pattern: "files/*", Source: "p:2"}, {Kind: Tool, Pattern: "files/read_*", Source: "p:3"}, {Kind: Tool, Pattern: "git/*", Source: "p:4"}},
		Deny: []DenyRow{{Kind: Tool, Pattern: "*/*", Source: "d:1", When: `has(call.args.path)`}},
	})
	catalog := []ostiary.Tool{readTool("read_file", pathSchema)}
	e := p.Explain("files", catalog, "read_file")
	var got []string
	for _, r := range e.Rows {
		got = append(got, r.Source+map[bool]string{true: "+", false: "-"}[r.Speaks])
	}
	if s := strings.Join(got, " "); s != "d:1+ p:3+ p:1- p:2-" || e.Rule.Source != "p:3" || e.Err != nil {
		t.Fatalf("%s, %+v", s, e)
	}
	if why := e.Rows[3].Why; !strings.Contains(why, "files/read_* has more literal characters behind the slash (5 to 0)") {
		t.Error(why)
	}
	if e := p.Explain("files", catalog, "reed_file"); e.Rule.Forbid == nil || len(e.Rows) > 0 {
		t.Errorf("%+v", e)
	}
	if e := mustNew(t, Options{}).Explain("files", catalog, "read_file"); len(e.Rows) != 1 || !strings.Contains(e.Rows[0].Why, "safe defaults") {
		t.Errorf("%+v", e)
	}
}
