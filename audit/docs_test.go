package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

const (
	recordDoc    = "../docs/reference/audit-record.md"
	exampleStart = "<!-- example: written by go test ./audit/ -run TestDocs with OSTIARY_UPDATE=1 -->\n```json\n"
	exampleEnd   = "```\n<!-- end of example -->"
)

// TestDocsShowRealRecords keeps the example of the reference and its list of
// fields true.
func TestDocsShowRealRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) {
		o.Clock = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC) }
		o.Rand = zeros{}
		o.Version = "1.0.0"
		o.PolicyDigest = "sha256:4b0f"
	})
	for i, c := range []*ostiary.Call{testSink("019f2a-1"), testSink("019f2a-2")} {
		c.Rule = &ostiary.Rule{Pattern: "files/write_file", Source: "policy.yaml:19"}
		e, err := l.Begin(c)
		if err != nil {
			t.Fatal(err)
		}
		o := ostiary.Outcome{Duration: 1500 * time.Microsecond}
		if i == 0 {
			if err := e.Intent(ostiary.Allowed()); err != nil {
				t.Fatal(err)
			}
			o.Decision, o.Status, o.Result = ostiary.Allowed(), ostiary.StatusOK, &ostiary.Result{Text: "wrote 5 bytes"}
		} else {
			o.Decision = ostiary.Refused("policy", &ostiary.Error{Code: ostiary.CodePolicyScope,
				Message: "missing scope fs:write: reconnect with it", Reason: "alice holds fs:read"})
		}
		if err := e.End(o); err != nil {
			t.Fatal(err)
		}
	}
	var example []byte
	for _, line := range lines(read(t, segmentPath(dir, l.ID()))) {
		if !bytes.HasPrefix(line, []byte(checkpointPrefix)) && !bytes.Contains(line, []byte(`"kind":"open"`)) {
			example = append(example, line...)
		}
	}
	text := string(read(t, recordDoc))
	before, rest, ok1 := strings.Cut(text, exampleStart)
	shown, after, ok2 := strings.Cut(rest, exampleEnd)
	if !ok1 || !ok2 {
		t.Fatal("the reference has no example")
	}
	if os.Getenv("OSTIARY_UPDATE") != "" {
		write(t, recordDoc, []byte(before+exampleStart+string(example)+exampleEnd+after))
	} else if shown != string(example) {
		t.Errorf("the reference shows\n%s, not\n%s", shown, example)
	}
	for _, kind := range []any{Record{}, Body{}, Head{}, Repaired{}, Finding{}} {
		v := reflect.TypeOf(kind)
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(text, "| `"+name+"` |") {
				t.Errorf("the reference does not explain %s.%s", v.Name(), name)
			}
		}
	}
}
