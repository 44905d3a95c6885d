package calltest_test

import (
	"context"
	"fmt"
	"os"

	"github.com/ostiary/ostiary/calltest"
)

func ExampleRun() {
	// Program is the command ostiary, which parses SQL for the door.
	r, err := calltest.Run(context.Background(), "../testdata/calls/path_traversal.txtar", calltest.Options{Program: os.Args[0]})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Threat, r.OK())
	// Output: path traversal true
}
