package policy

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// honest are the shapes of the reads of the reference servers for files, memory,
// everything and sequential thinking: their names and arguments, and sentences of
// the kind that they use.
func TestJudgeLetsHonestReadsPass(t *testing.T) {
	path := pathSchema
	for _, tc := range []struct{ name, title, description, schema string }{
		{"read_file", "Read File (Deprecated)", "Read the complete contents of a file as text. DEPRECATED: use another.", path},
		{"read_multiple_files", "Read Multiple Files", "Read several files at once. Failed reads for individual files won't stop the entire operation.", `{"properties":{"paths":{"type":"array"}}}`},
		{"list_directory_with_sizes", "List Directory with Sizes", "Get a listing. Only works within allowed directories.", path},
		{"directory_tree", "Directory Tree", "Get a tree. Files have no children array. The output is formatted with 2-space indentation.", path},
		{"search_files", "Search Files", "Recursively search for files and directories matching a pattern.", `{"properties":{"path":{},"pattern":{},"excludePatterns":{}}}`},
		{"get_file_info", "Get File Info", "Retrieve metadata including size, creation time, last modified time.", path},
		{"list_allowed_directories", "", "Returns the list. Use this before trying to access files.", ""},
		{"open_nodes", "Open Nodes", "Open specific nodes by their names", `{"properties":{"names":{}}}`},
		{"echo", "Echo Tool", "Echoes back the input string", `{"properties":{"message":{"type":"string"}}}`},
		{"get-sum", "Get Sum Tool", "Returns the sum of two numbers", `{"properties":{"a":{},"b":{}}}`},
		{"get-env", "Print Environment Tool", "Returns all environment variables, helpful for debugging", ""},
		{"trigger-long-running-operation", "Trigger Long Running Operation Tool", "Demonstrates a long running operation with progress updates.", `{"properties":{"duration":{},"steps":{}}}`},
		{"sequentialthinking", "Sequential Thinking", "A tool for problem-solving.\nYou should:\n1. Start with an estimate\n2. Generate a hypothesis\n- Delete nothing", `{"properties":{"thought":{}}}`},
		{"get_post", "", "Gets a post and its comments.", `{"properties":{"id":{}}}`},
		{"list_runs", "", "Lists runs.", ""}, {"getUpdateHistory", "", "", ""}, {"search_articles", "", "Args:\n  start_date: Start date\n  query: what to search", ""},
	} {
		tool := readTool(tc.name, tc.schema)
		tool.Title, tool.Description = tc.title, tc.description
		if effect, why := Judge(tool); effect != ostiary.EffectRead {
			t.Errorf("%s is %s: %s", tc.name, effect, why)
		}
	}
}

// TestJudgeFindsContradictions: every tool claims readOnlyHint: true; each has one
// thing that speaks against it.
func TestJudgeFindsContradictions(t *testing.T) {
	for _, tc := range []struct{ name, title, description, schema, want string }{
		{"delete_file", "", "", "", `name says "delete"`}, {"file-remove", "", "", "", "remove"}, {"sendEmail", "", "", "", "send"},
		{"executeSQL", "", "", "", "execute"}, {"deletefile", "", "", "", "delete"}, {"post_message", "", "", "", "post"},
		{"read_and_post", "", "", "", "post"}, {"get_or_create_user", "", "", "", "create"}, {"HTTPPost", "", "", "", "post"}, {"pay", "", "", "", "pay"},
		{"transfer_funds", "", "", "", "transfer"}, {"run", "", "", "", "run"}, {"grantRole", "", "", "", "grant"}, {"get_file_dеlete", "", "", "", "ASCII"},
		{"helper", "Delete Everything", "", "", `title says "delete"`},
		{"helper", "", "Deletes a file.", "", `description says "deletes"`}, {"helper", "", "Looks harmless. This tool will permanently remove the user.", "", "remove"},
		{"helper", "", "Reads a file and then deletes it.", "", "deletes"}, {"helper", "", "Creating issues", "", "creating"},
		{"helper", "", strings.Repeat("x", maxDescription+1), "", "too long"},
		{"helper", "", "", `{"properties":{"command":{}}}`, `takes "command"`}, {"helper", "", "", `{"properties":{"sqlQuery":{}}}`, "sqlQuery"},
		{"helper", "", "", `{"properties":{"q":{"description":"The SQL to run"}}}`, `code in "q"`}, {"helper", "", "", `{"properties":{"amount":{}}}`, "amount"},
		{"helper", "", "", `{"properties":{"recipient":{}}}`, "recipient"}, {"helper", "", "", `{"properties":{"to":{},"body":{}}}`, "send it to"},
		{"helper", "", "", `{"properties":{"path":{},"content":{}}}`, "write it"}, {"helper", "", "", `{"properties":{"dryRun":{}}}`, "dryRun"},
		{"helper", "", "", `{"properties":`, "cannot be read"}, {"helper", "", "", `{"properties":{"source":{},"destination":{}}}`, "destination"},
	} {
		tool := readTool(tc.name, tc.schema)
		tool.Title, tool.Description = tc.title, tc.description
		if effect, why := Judge(tool); effect != ostiary.EffectDestructive || !strings.Contains(why, tc.want) {
			t.Errorf("%s/%s/%s/%s: %s, %s", tc.name, tc.title, tc.description, tc.schema, effect, why)
		}
	}
}

func TestJudgeNeedsTheAnnotation(t *testing.T) {
	for _, a := range []ostiary.Annotations{{}, {ReadOnly: no}, {ReadOnly: yes, Destructive: yes}} {
		if effect, _ := Judge(ostiary.Tool{Name: "read_file", Annotations: a}); effect != ostiary.EffectDestructive {
			t.Errorf("%+v: %s", a, effect)
		}
	}
	if effect, why := Judge(ostiary.Tool{Name: "read_file", Annotations: ostiary.Annotations{ReadOnly: yes, Destructive: no}}); effect != ostiary.EffectRead {
		t.Error(why)
	}
}

func TestEffectAndQuestion(t *testing.T) {
	const read, write, destructive, execute = ostiary.EffectRead, ostiary.EffectWrite, ostiary.EffectDestructive, ostiary.EffectExecute
	for _, tc := range []struct {
		name        string
		row         *Row
		annotations ostiary.Annotations
		want        ostiary.Effect
		next        string // part of AskNext; empty means no question
	}{
		{"get", nil, ostiary.Annotations{ReadOnly: yes}, read, ""},
		{"get", nil, ostiary.Annotations{}, destructive, "rules: [{tool: files/get, effect: write}]"},
		{"write_file", nil, ostiary.Annotations{ReadOnly: no, Destructive: no}, destructive, "rules: [{tool: files/write_file, effect: write}]"},
		{"write_file", nil, ostiary.Annotations{Destructive: yes}, destructive, "rules: [{tool: files/write_file, effect: destructive}]"},
		{"delete", nil, ostiary.Annotations{ReadOnly: yes}, destructive, "effect: destructive}"},
		{"run", nil, ostiary.Annotations{}, destructive, "effect: execute}"},
		{"a b", nil, ostiary.Annotations{}, destructive, `{tool: "files/a b", effect: write}`},
		{"a*b", nil, ostiary.Annotations{}, destructive, "cannot be written as a pattern"},
		{"get", &Row{Effect: read}, ostiary.Annotations{}, read, ""},
		{"get", &Row{Effect: read}, ostiary.Annotations{ReadOnly: no}, write, ""},
		{"get", &Row{Effect: read}, ostiary.Annotations{ReadOnly: no, Destructive: yes}, destructive, "destructiveHint: true"},
		{"get", &Row{Effect: read}, ostiary.Annotations{Destructive: yes}, destructive, "destructiveHint: true"},
		{"get", &Row{Effect: read}, ostiary.Annotations{ReadOnly: yes, Destructive: yes}, read, ""},
		{"get", &Row{Effect: write}, ostiary.Annotations{ReadOnly: yes}, write, ""}, // never weaker
		{"get", &Row{Effect: write}, ostiary.Annotations{Destructive: yes}, destructive, "annotation destructiveHint: true"},
		{"get", &Row{Effect: write, Unapproved: true}, ostiary.Annotations{Destructive: yes}, destructive, ""},
		{"get", &Row{Effect: execute}, ostiary.Annotations{ReadOnly: yes}, execute, "its effect is execute"},
		{"get", &Row{Effect: execute, Unapproved: true}, ostiary.Annotations{}, execute, ""},
		{"get", &Row{Effect: execute}, ostiary.Annotations{Destructive: yes}, execute, "its effect is execute"}, // never weaker
		{"get", &Row{Effect: read, Approve: true}, ostiary.Annotations{}, read, "says so for every call"},
		{"get", &Row{}, ostiary.Annotations{ReadOnly: yes}, read, ""},
		{"get", &Row{}, ostiary.Annotations{}, destructive, "adds to the rule: effect: write"},
	} {
		o := Options{}
		if tc.row != nil {
			row := *tc.row
			row.Kind, row.Pattern, row.Source = Tool, "files/*", "p:1"
			o.Rows = []Row{row}
		}
		b, _ := mustNew(t, o).Compile("files", []ostiary.Tool{{Name: tc.name, Annotations: tc.annotations}})
		r := b.Tool(tc.name)
		if r.Effect != tc.want || (r.Ask == "") != (tc.next == "") || !strings.Contains(r.AskNext, tc.next) || r.EffectWhy == "" || r.Closed {
			t.Errorf("%s %+v: %s, %q, %q", tc.name, tc.row, r.Effect, r.Ask, r.AskNext)
		}
	}
}

// TestSuggestedRuleHidesNothing: the rule that a refusal shows lets a call pass
// without a person only where its effect is one that needs none.
func TestSuggestedRuleHidesNothing(t *testing.T) {
	for _, name := range []string{"write_file", "delete_file", "run", "pay", "thing"} {
		for _, a := range []ostiary.Annotations{{}, {Destructive: yes}, {ReadOnly: yes, Destructive: yes}, {ReadOnly: no}} {
			tool := ostiary.Tool{Name: name, Annotations: a}
			effect := guess(tool)
			row := Row{Kind: Tool, Pattern: "files/" + name, Source: "p:1", Effect: effect}
			b, problems := mustNew(t, Options{Rows: []Row{row}}).Compile("files", []ostiary.Tool{tool})
			r := b.Tool(name)
			if len(problems) > 0 || r.Effect != effect || (r.Ask == "") != (effect == ostiary.EffectWrite) {
				t.Errorf("%s as %s: effect %s, question %q, %v", name, effect, r.Effect, r.Ask, problems)
			}
		}
	}
}
