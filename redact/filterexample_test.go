package redact_test

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/redact/scan"
)

func ExampleNewFilter() {
	engine, err := scan.New(scan.Options{Extra: []scan.Rule{{ID: "acme-key", Regex: `acme_[0-9a-f]{8}`, Keywords: []string{"acme_"}}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var exceptions *redact.Exceptions // nil has none
	filter, err := redact.NewFilter(redact.FilterOptions{
		Engine:    engine,
		Modes:     map[string]string{"github-pat": redact.ModeBlock},
		MaxResult: 64 << 10,
		Key:       []byte("a secret of the state directory"),
		Allowed:   exceptions.Allows,
		Conforms:  func(outputSchema, content []byte) bool { return false },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := &ostiary.Call{ID: "c", Method: "tools/call", Class: ostiary.ClassTool, Upstream: "files", Target: "read_file"}
	result := &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{"content":[{"type":"text","text":"id 7\nkey \u0061cme_0123abcd"}]}`)}
	if err := filter.Apply(context.Background(), call, result); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", result.Body)
	fmt.Println(result.Findings[0].Rule, result.Findings[0].Pointer, result.Findings[0].Action)
	// Output:
	// {"content":[{"type":"text","text":"id 7\nkey [REDACTED:acme-key]"}]}
	// acme-key /content/0/text redacted
}
