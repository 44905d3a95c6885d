package policy_test

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

func ExampleNew() {
	p, err := policy.New(policy.Options{
		Rows: []policy.Row{
			{Kind: policy.Tool, Pattern: "files/read_*", Source: "policy.yaml:4:5", Effect: ostiary.EffectRead},
			{Kind: policy.Tool, Pattern: "files/write_file", Source: "policy.yaml:6:5", Effect: ostiary.EffectWrite,
				Scopes: []string{"fs:write"}, When: "call.args.content.size() < 10"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	book, problems := p.Compile("files", []ostiary.Tool{
		{Name: "read_file"},
		{Name: "write_file", InputSchema: []byte(`{"type":"object","properties":{"content":{"type":"string"}}}`)},
		{Name: "delete_file"},
	})
	fmt.Println(len(problems), "problems")

	gate := p.Gate()
	for _, try := range []struct{ tool, content string }{
		{"read_file", ""}, {"write_file", "short"}, {"write_file", "much too long"}, {"delete_file", ""}, {"raed_file", ""},
	} {
		rule := book.Tool(try.tool)
		d, err := gate.Check(context.Background(), &ostiary.Call{
			Principal: ostiary.Principal{ID: "alice", Scopes: []string{"fs:write"}},
			Upstream:  "files", Class: ostiary.ClassTool, Method: "tools/call", Target: try.tool,
			Rule: rule, Effect: rule.Effect, Args: map[string]any{"content": try.content},
		})
		fmt.Println(try.tool, d.Verdict, d.Code, err)
	}
	// Output:
	// 0 problems
	// read_file allow  <nil>
	// write_file allow  <nil>
	// write_file deny policy_when <nil>
	// delete_file ask approval_required <nil>
	// raed_file deny policy_unknown <nil>
}
