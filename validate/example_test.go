package validate_test

import (
	"context"
	"fmt"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/validate"
)

// A rule's checks: the tool's own schema first, then what the rule says.
func ExampleCompile() {
	tool := ostiary.Tool{Upstream: "files", Name: "write_file", InputSchema: []byte(
		`{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]}`)}
	schema, err := validate.Schema(tool)
	if err != nil {
		fmt.Println(err)
		return
	}
	checks, err := validate.Compile(validate.Argument{
		Pointer: "/path",
		Path:    &validate.Path{Root: "/srv/data", Lexical: true},
	}, tool, validate.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := &ostiary.Rule{Effect: ostiary.EffectWrite, Checks: append([]ostiary.Check{schema}, checks...)}
	for _, args := range []map[string]any{
		{"path": "notes/today.md", "content": "hello"},
		{"path": "../data-evil/x", "content": "hello"},
		{"path": "notes/today.md"},
	} {
		_, err := validate.Gate().Check(context.Background(), &ostiary.Call{Rule: rule, Effect: rule.Effect, Args: args})
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// validate_path: argument /path: ".." leaves the allowed directory: send a path inside /srv/data
	// validate_schema: argument /content is missing (string): add it
}

// A misspelt place is an error when the policy is loaded.
func ExampleCompile_misspelt() {
	tool := ostiary.Tool{Upstream: "files", Name: "read_file", InputSchema: []byte(`{"type":"object","properties":{"path":{"type":"string"}}}`)}
	_, err := validate.Compile(validate.Argument{Pointer: "/pth", MaxBytes: 100}, tool, validate.Options{})
	fmt.Println(err)
	// Output:
	// config_invalid: files/read_file: /pth: the tool's schema does not know "pth"; did you mean "path"?
}
