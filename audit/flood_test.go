package audit

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// A flood of refused calls leaves records, not its arguments. The control is a
// refusal by another stage, which keeps them.
func TestAFloodDoesNotFillTheLogWithItsArguments(t *testing.T) {
	for stage, kept := range map[string]bool{"limit": false, "wire": false, "policy": true} {
		dir := filepath.Join(t.TempDir(), "state")
		l := openTest(t, dir, nil)
		c := testCall("flood")
		c.Arguments = []byte(`{"a":"` + strings.Repeat("x", 60<<10) + `"}`)
		e, err := l.Begin(c)
		if err != nil {
			t.Fatal(err)
		}
		refused := ostiary.Refused(stage, &ostiary.Error{Code: ostiary.CodeLimitRate, Message: "too many calls"})
		if err := e.End(ostiary.Outcome{Decision: refused, Status: ostiary.StatusRefused}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if data := read(t, segmentPath(dir, l.ID())); len(data) > 60<<10 != kept || !strings.Contains(string(data), `"stage":"`+stage+`"`) {
			t.Errorf("stage %s: %d bytes", stage, len(data))
		}
		found, err := Show(t.Context(), dir, "flood")
		if err != nil || len(found) != 1 || found[0].Record.Kind != KindRefusal || (found[0].Record.ArgsDigest != "") != kept {
			t.Errorf("stage %s: %d records, kind or digest is wrong, %v", stage, len(found), err)
		}
		if err := verify(t, dir, VerifyOptions{}).Err(); err != nil {
			t.Error(err)
		}
	}
}
