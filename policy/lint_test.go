package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestLint(t *testing.T) {
	upstreams := map[string][]ostiary.Tool{
		"files": {readTool("read_file", pathSchema), readTool("list_directory", pathSchema), {Name: "write_file", InputSchema: []byte(writeSchema), Annotations: ostiary.Annotations{Destructive: yes}}, readTool("delete_all", "")},
		"db":    {readTool("find", `{"properties":{"limit":{"type":"integer"}}}`), readTool("update", `{"properties":{"id":{"type":"string"}},"required":["id"]}`)},
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
	strip := func(name string) func(*Row) {
		return func(r *Row) { r.Effect, r.Rewrite.Strip = ostiary.EffectDestructive, []string{name} }
	}
	token := func(name string) func(*Row) {
		return func(r *Row) { r.Effect, r.Rewrite.Token = ostiary.EffectDestructive, name }
	}
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
		"confirm":                 {rule("files/write_file", strip("content")), "", ""},
		"confirm misspelt":        {rule("files/write_file", strip("contnt")), SeverityError, `has an argument "contnt", so nothing is taken away; did you mean "content"?`},
		"confirm of some tools":   {rule("files/*", strip("content")), "", ""},
		"confirm, no schema":      {rule("files/delete_all", strip("sure")), "", ""},
		"confirm of a need":       {rule("db/update", strip("id")), SeverityError, `takes the argument "id" away, which db/update requires`},
		"token that nobody knows": {rule("files/write_file", token("capability")), "", ""},
		"token that is declared":  {rule("files/write_file", token("content")), "", ""},
		"token of a need":         {rule("db/update", token("id")), SeverityError, `token: rule db/update takes the argument "id" away, which db/update requires`},
		"token that is a number":  {rule("db/find", token("limit")), SeverityError, `the argument "limit" of db/find is no text`},
		"no such method":          {Options{Rows: []Row{{Kind: Method, Pattern: "files/sampling/createMesage", Source: "p:1"}}}, SeverityWarning, "has the method"},
		"a method":                {Options{Rows: []Row{{Kind: Method, Pattern: "files/sampling/createMessage", Source: "p:1"}}}, "", ""},
		"resource server":         {Options{Deny: []DenyRow{{Kind: Resource, Pattern: "fils/x", Source: "p:1"}}}, SeverityError, `did you mean "files"?`},
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

// A condition that does not compile is one mistake, however many tools it is about;
// what else is wrong with a tool is told beside it.
func TestLintSaysAConditionOnce(t *testing.T) {
	catalog := map[string][]ostiary.Tool{"files": {readTool("read_file", pathSchema), readTool("read_all", pathSchema)}}
	row := Row{Kind: Tool, Pattern: "files/read_*", Source: "p:1", Effect: ostiary.EffectRead, When: `call.args.pth == ""`}
	for name, o := range map[string]Options{
		"rule": {Rows: []Row{row}},
		"deny": {Deny: []DenyRow{{Kind: Tool, Pattern: "files/read_*", Source: "p:1", When: row.When}}},
	} {
		found := mustNew(t, o).Lint(catalog)
		if len(found) != 1 || found[0].Severity != SeverityError || !strings.Contains(found[0].Message, `did you mean "path"?`) || !strings.Contains(found[0].Next, "refused") {
			t.Errorf("%s: %+v", name, found)
		}
	}
	o := Options{Rows: []Row{row}, Schema: func(t ostiary.Tool) (ostiary.Check, error) {
		if t.Name == "read_all" {
			return ostiary.Check{}, errors.New("no schema")
		}
		return ostiary.Check{}, nil
	}}
	if found := mustNew(t, o).Lint(catalog); len(found) != 2 || !strings.Contains(found[0].Message+found[1].Message, "no schema") {
		t.Errorf("%+v", found)
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

// An argument that one key takes away is not there for another.
func TestArgumentsNamedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Row)
		want string // "" is accepted
	}{
		"token and confirm":       {func(r *Row) { r.Rewrite.Token, r.Rewrite.Strip = "x", []string{"y", "x"} }, `the argument "x" is named by confirm: and token:`},
		"token and dry run":       {func(r *Row) { r.Rewrite.Token, r.Rewrite.DryRun = "x", "x" }, "dry_run: and token:"},
		"confirm and dry run":     {func(r *Row) { r.Rewrite.DryRun, r.Rewrite.Strip = "x", []string{"x"} }, "confirm: and dry_run:"},
		"confirm and idempotency": {func(r *Row) { r.Idempotency.Argument, r.Rewrite.Strip = "x", []string{"x"} }, "confirm: and idempotency:"},
		"token and preview":       {func(r *Row) { r.PreviewArgs, r.Rewrite.Token = []string{"x", "y"}, "y" }, "token: and preview:"},
		"all others":              {func(r *Row) { r.Rewrite = ostiary.Rewrite{Token: "a", DryRun: "b", Strip: []string{"c", "c"}} }, ""},
		"idempotency and preview": {func(r *Row) { r.Rewrite.Token, r.Idempotency.Argument, r.PreviewArgs = "a", "x", []string{"x"} }, ""},
	} {
		r := Row{Kind: Tool, Pattern: "files/*", Source: "p:1"}
		c.edit(&r)
		_, err := New(Options{Rows: []Row{r}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "p:1")):
			t.Errorf("%s: %v", name, err)
		}
	}
}
