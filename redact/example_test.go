package redact_test

import (
	"fmt"

	"github.com/ostiary/ostiary/redact"
)

func Example() {
	r, err := redact.New(redact.Options{Known: []string{"correct horse"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	schema := redact.Compile([]byte(`{"properties": {"door": {"type": "string", "format": "password"}}}`))
	fmt.Printf("%s\n", r.Arguments([]byte(`{"path": "a.txt", "door": "open", "github_token": "x", "max_tokens": 9}`), schema))
	fmt.Println(r.Text("GET /?q=correct%20horse"))
	// Output:
	// {"path": "a.txt", "door": "[REDACTED:key]", "github_token": "[REDACTED:key]", "max_tokens": 9}
	// GET /?q=[REDACTED:known]
}
