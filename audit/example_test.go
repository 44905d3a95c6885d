package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "ostiary")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	state := filepath.Join(dir, "state")
	log, err := audit.Open(audit.Options{
		Dir:        state,
		Redact:     func(*ostiary.Call) []byte { return []byte(`{"path":"[redacted]"}`) },
		RedactText: func(string) string { return "[redacted]" },
	})
	if err != nil {
		panic(err)
	}
	entry, err := log.Begin(&ostiary.Call{ID: "1", Class: ostiary.ClassTool, Target: "write_file", Effect: ostiary.EffectWrite})
	if err != nil {
		panic(err) // the call is denied
	}
	if err := entry.Intent(ostiary.Allowed()); err != nil {
		panic(err) // the call is not forwarded
	}
	// The call runs here.
	if err := entry.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusOK}); err != nil {
		panic(err) // the answer is not released
	}
	if err := log.Close(); err != nil {
		panic(err)
	}
	report, err := audit.Verify(context.Background(), state, audit.VerifyOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Records, "records:", report.Err())
	// Output: 4 records: <nil>
}
