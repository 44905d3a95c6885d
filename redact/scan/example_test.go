package scan_test

import (
	"fmt"

	"github.com/ostiary/ostiary/redact/scan"
)

func ExampleEngine_Find() {
	engine, err := scan.New(scan.Options{})
	if err != nil {
		panic(err)
	}
	text := "DATABASE_URL=postgres://app:hunter2@db:5432/shop"
	for _, f := range engine.Find(nil, text) {
		fmt.Println(f.Rule, text[f.Start:f.End])
	}
	// Output: url-password hunter2
}
