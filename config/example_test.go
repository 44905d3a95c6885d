package config_test

import (
	"fmt"

	"github.com/ostiary/ostiary/config"
)

func ExampleParse() {
	_, err := config.Parse("policy.yaml", []byte(`
rules:
  - tool: files/delete_*
    effect: destructive
    aprove: {channels: [console]}
`), config.Options{})
	fmt.Println(err)
	// Output:
	// config_invalid: policy.yaml:5:5: unknown key "aprove" in a rule: did you mean "approve"?
	//   5 |     aprove: {channels: [console]}
	//     |     ^
}
