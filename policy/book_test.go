package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func mustNew(t testing.TB, o Options) *Policy {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var no, yes = new(bool), ptr(true)

func ptr[T any](v T) *T { return &v }

func readTool(name, schema string) ostiary.Tool {
	return ostiary.Tool{Name: name, InputSchema: []byte(schema), Annotations: ostiary.Annotations{ReadOnly: yes}}
}

const pathSchema = `{"type":"object","properties":{"path":{"type":"string"}}}`

func TestMostSpecificRowSpeaks(t *testing.T) {
	var rows []Row
	for _, pattern := range []string{"*/*", "files/*", "f*/*", "files/read_*", "files/read_file", "*/read_file", "*/*_info", "git/*"} {
		rows = append(rows, Row{Kind: Tool, Pattern: pattern, Source: "at " + pattern})
	}
	p := mustNew(t, Options{Rows: rows})
	for _, tc := range []struct{ upstream, tool, want string }{
		{"files", "read_file", "files/read_file"}, {"files", "read_media", "files/read_*"},
		{"files", "read_info", "files/read_*"}, // as literal behind the slash as *_info, more before it
		{"files", "write", "files/*"}, {"fs", "write", "f*/*"}, {"x", "write", "*/*"}, {"git", "read_file", "*/read_file"}, {"git", "get_info", "*/*_info"},
	} {
		b, problems := p.Compile(tc.upstream, []ostiary.Tool{{Name: tc.tool}})
		if r := b.Tool(tc.tool); r.Pattern != tc.want || r.Source != "at "+tc.want || len(problems) > 0 {
			t.Errorf("%s/%s: %q speaks, want %q (%v)", tc.upstream, tc.tool, r.Pattern, tc.want, problems)
		}
	}
}

func TestUnknownTool(t *testing.T) {
	b, _ := mustNew(t, Options{}).Compile("files", []ostiary.Tool{readTool("read_file", ""), readTool("list", "")})
	r := b.Tool("raed_file")
	if r.Forbid == nil || r.Forbid.Code != ostiary.CodePolicyUnknown || !strings.Contains(r.Forbid.Message, `did you mean "read_file"?`) {
		t.Fatalf("%+v", r.Forbid)
	}
	if r := b.Tool(strings.Repeat("x", 1<<20)); len(r.Forbid.Message) > 500 {
		t.Fatalf("a message of %d bytes", len(r.Forbid.Message))
	}
	var nobody *Book
	for _, r := range []*ostiary.Rule{nobody.Tool("x"), nobody.Resource("x"), nobody.Method("ping", ostiary.ClassControl, "")} {
		if r.Forbid == nil || r.Forbid.Code != ostiary.CodePolicyCatalog {
			t.Fatalf("%+v", r)
		}
	}
}

// TestBrokenRowDeniesItsToolAlone: what does not compile denies one tool, and the
// rest of the house stands.
func TestBrokenRowDeniesItsToolAlone(t *testing.T) {
	for name, o := range map[string]Options{
		"when":    {Rows: []Row{{Kind: Tool, Pattern: "files/bad", Source: "p:1", When: `call.args.pth == ""`}}},
		"deny":    {Deny: []DenyRow{{Kind: Tool, Pattern: "files/bad", Source: "p:1", When: `call.args.pth == ""`}}},
		"checks":  {Rows: []Row{{Kind: Tool, Pattern: "files/bad", Source: "p:1", Checks: func(ostiary.Tool) ([]ostiary.Check, error) { return nil, errors.New("pth") }}}},
		"panic":   {Rows: []Row{{Kind: Tool, Pattern: "files/bad", Source: "p:1", Checks: func(ostiary.Tool) ([]ostiary.Check, error) { panic("pth") }}}},
		"forbids": {Deny: []DenyRow{{Kind: Tool, Pattern: "files/bad", Source: "p:1", Forbids: func(ostiary.Tool) (*ostiary.Condition, error) { return nil, errors.New("pth") }}}},
		"schema": {Schema: func(tool ostiary.Tool) (ostiary.Check, error) {
			if tool.Name == "bad" {
				return ostiary.Check{}, errors.New("pth")
			}
			return ostiary.Check{Kind: "schema"}, nil
		}},
	} {
		b, problems := mustNew(t, o).Compile("files", []ostiary.Tool{readTool("bad", pathSchema), readTool("good", pathSchema)})
		if r := b.Tool("bad"); r.Forbid == nil || r.Forbid.Code != ostiary.CodePolicyRule {
			t.Errorf("%s: %+v", name, r)
		}
		if r := b.Tool("good"); r.Forbid != nil {
			t.Errorf("%s: the other tool is denied: %v", name, r.Forbid)
		}
		if len(problems) != 1 || problems[0].Tool != "files/bad" || !strings.Contains(problems[0].Err.Error(), "pth") {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestToolListedTwice(t *testing.T) {
	b, problems := mustNew(t, Options{}).Compile("files", []ostiary.Tool{readTool("a", ""), readTool("a", pathSchema), readTool("", "")})
	if b.Tool("a").Forbid == nil || len(problems) != 2 {
		t.Fatalf("%v %v", b.Tool("a"), problems)
	}
}

// TestPatternRowMayNameWhatAnotherToolHas: a name is misspelt only if no tool that
// the row speaks for has it.
func TestPatternRowMayNameWhatAnotherToolHas(t *testing.T) {
	tools := []ostiary.Tool{readTool("read_a", pathSchema), readTool("read_b", `{"properties":{"other":{}}}`), readTool("list", `{"properties":{"dir":{}}}`)}
	for _, tc := range []struct {
		pattern, when string
		problems      int
	}{
		{"files/read_*", `call.args.path == "x"`, 0}, {"files/read_*", `call.args.pth == "x"`, 2},
		{"files/read_*", `call.args.dir == "x"`, 2}, {"*/read_*", `call.args.pth == "x"`, 0},
	} {
		p := mustNew(t, Options{Rows: []Row{{Kind: Tool, Pattern: tc.pattern, Source: "p:1", When: tc.when}}})
		b, problems := p.Compile("files", tools)
		if len(problems) != tc.problems {
			t.Errorf("%s %s: %v", tc.pattern, tc.when, problems)
		}
		if when := b.Tool("read_b").When; when != nil {
			if holds, err := when.Holds(context.Background(), argsCall(t, `{"other":1}`)); holds || err == nil {
				t.Errorf("%s: an absent argument gives %v %v", tc.when, holds, err)
			}
		}
	}
}

func TestRuleCarriesTheRow(t *testing.T) {
	schema := func(ostiary.Tool) (ostiary.Check, error) { return ostiary.Check{Kind: "schema"}, nil }
	p := mustNew(t, Options{Schema: schema, Rows: []Row{{
		Kind: Tool, Pattern: "files/w", Source: "p:1", Effect: ostiary.EffectWrite, Closed: true, Scopes: []string{"fs:write"},
		Limits: []ostiary.RateLimit{{Count: 1, Period: 1}}, Timeout: 7, ReportOnly: true, When: "true",
		Checks: func(ostiary.Tool) ([]ostiary.Check, error) { return []ostiary.Check{{Kind: "path"}}, nil },
	}}})
	b, _ := p.Compile("files", []ostiary.Tool{{Name: "w"}, {Name: "unruled"}})
	r := b.Tool("w")
	if !r.Closed || r.Scopes[0] != "fs:write" || r.Limits[0].Count != 1 || r.Timeout != 7 || !r.ReportOnly || r.When == nil ||
		len(r.Checks) != 2 || r.Checks[0].Kind != "schema" || r.Checks[1].Kind != "path" || r.Effect != ostiary.EffectWrite || r.Ask != "" {
		t.Fatalf("%+v", r)
	}
	if u := b.Tool("unruled"); len(u.Checks) != 1 || u.Closed || u.Ask == "" || u.Written() {
		t.Fatalf("%+v", u)
	}
}

func manyRows(n int) []Row {
	rows := make([]Row, 0, n)
	for i := range n {
		pattern := fmt.Sprintf("files/tool_%05d", i)
		if i%2 == 1 {
			pattern += "*"
		}
		rows = append(rows, Row{Kind: Tool, Pattern: pattern, Source: fmt.Sprint("p:", i), Effect: ostiary.EffectRead})
	}
	return rows
}

func manyTools(n int) []ostiary.Tool {
	var tools []ostiary.Tool
	for i := range n {
		tools = append(tools, readTool(fmt.Sprintf("tool_%05d", i*400), pathSchema))
	}
	return tools
}

// TestOnlyRowsThatMatchAToolAreCompiled keeps 10,000 conditions from costing
// seconds: no time is measured, the validators are counted.
func TestOnlyRowsThatMatchAToolAreCompiled(t *testing.T) {
	compiled := 0
	rows := manyRows(10_000)
	for i := range rows {
		rows[i].When = "true"
		rows[i].Checks = func(ostiary.Tool) ([]ostiary.Check, error) { compiled++; return nil, nil }
	}
	if _, problems := mustNew(t, Options{Rows: rows}).Compile("files", manyTools(20)); len(problems) > 0 || compiled != 20 {
		t.Fatalf("%d rows compiled, %v", compiled, problems)
	}
}

func BenchmarkRows(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		rows := manyRows(n)
		for i := range n {
			rows = append(rows,
				Row{Kind: Resource, Pattern: fmt.Sprintf("files/file:///ws/%05d/*", i)},
				Row{Kind: Method, Pattern: fmt.Sprintf("files/custom/%05d*", i)})
		}
		p, err := New(Options{Rows: rows})
		if err != nil {
			b.Fatal(err)
		}
		tools := manyTools(20)
		book, _ := p.Compile("files", tools)
		b.Run(fmt.Sprintf("new/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := New(Options{Rows: rows}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("compile/%d", n), func(b *testing.B) {
			for b.Loop() {
				p.Compile("files", tools)
			}
		})
		b.Run(fmt.Sprintf("tool/%d", n), func(b *testing.B) {
			for b.Loop() {
				book.Tool("tool_00000")
			}
		})
		b.Run(fmt.Sprintf("resource/%d", n), func(b *testing.B) {
			for b.Loop() {
				book.Resource("file:///ws/00007/x")
			}
		})
		b.Run(fmt.Sprintf("resource-new/%d", n), func(b *testing.B) {
			for b.Loop() {
				book.other.compose(question{ostiary.ClassResource, resourceMethod, "file:///ws/00007/x"})
			}
		})
		b.Run(fmt.Sprintf("method/%d", n), func(b *testing.B) {
			for b.Loop() {
				book.Method("custom/00007", ostiary.ClassUnknown, "")
			}
		})
	}
}
