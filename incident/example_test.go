package incident_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/incident"
)

func ExampleExport() {
	dir, err := os.MkdirTemp("", "ostiary")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	state := filepath.Join(dir, "state")
	log, err := audit.Open(audit.Options{
		Dir:        state,
		Redact:     func(*ostiary.Call) []byte { return []byte(`"[redacted]"`) },
		RedactText: func(string) string { return "[redacted]" },
	})
	if err != nil {
		panic(err)
	}
	if err := log.Close(); err != nil {
		panic(err)
	}
	var archive bytes.Buffer
	_, err = incident.Export(context.Background(), &archive, incident.Options{
		State: state, Version: "1", Now: time.Now,
		Mask: func([]byte) ([]byte, bool) { return nil, false }, // no policy leaves
	})
	if err != nil {
		panic(err)
	}
	key, err := os.ReadFile(state + "/key.pub") // better: a copy that was kept elsewhere
	if err != nil {
		panic(err)
	}
	report, err := incident.Verify(context.Background(), &archive, incident.VerifyOptions{Key: string(key)})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Records, "records, key pinned by", report.Pinned, report.Err())
	// Output: 2 records, key pinned by key <nil>
}
