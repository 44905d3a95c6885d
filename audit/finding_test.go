package audit

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// What the filters found is in the outcome, bounded, and nothing that the server
// chose is in it unredacted. The log verifies as before.
func TestFindingsAreRecorded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) {
		o.RedactText = func(s string) string { return strings.ReplaceAll(s, "hunter2", "[REDACTED:known]") }
	})
	res := &ostiary.Result{Status: ostiary.StatusOK}
	res.Find(ostiary.Finding{ID: "f-c-1", Stage: "redact", Rule: "github-pat", Pointer: "/hunter2/0", Start: 12, End: 52, Action: "redacted", Value: "hash"})
	for range 100 {
		res.Find(ostiary.Finding{Stage: "detect", Rule: strings.Repeat("x", 1000), Pointer: "/" + strings.Repeat("é", 1000), Start: -1, Score: math.NaN()})
	}
	c := testSink("c")
	e, err := l.Begin(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Intent(ostiary.Allowed()); err != nil {
		t.Fatal(err)
	}
	if err := e.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusOK, Result: res}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if rep, err := Verify(t.Context(), dir, VerifyOptions{}); err != nil || len(rep.Broken) > 0 {
		t.Fatal(rep, err)
	}
	found, err := Show(t.Context(), dir, "c")
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	if r := found[0].Record; r.Found != 0 || r.Findings != nil {
		t.Errorf("the intent has findings: %+v", r)
	}
	r := found[1].Record
	if r.Found != 101 || len(r.Findings) != ostiary.MaxFindings {
		t.Fatalf("found %d, kept %d", r.Found, len(r.Findings))
	}
	if want := (Finding{ID: "f-c-1", Stage: "redact", Rule: "github-pat", Pointer: "/[REDACTED:known]/0", Start: 12, Action: "redacted", Value: "hash"}); r.Findings[0] != want {
		t.Errorf("got %+v", r.Findings[0])
	}
	if f := r.Findings[1]; len(f.Rule) > 200 || len(f.Pointer) > 600 || f.Start != 0 || f.Score != 0 {
		t.Errorf("got %+v", f)
	}
	if strings.Contains(string(found[1].Line), "hunter2") {
		t.Error("a name that the server chose was not redacted")
	}
}

func TestScore(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 0.12345: 0.123, 0.9996: 1, 7: 1, -1: 0, math.Inf(1): 1} {
		if got := score(x); got != want {
			t.Errorf("%g: got %g, want %g", x, got, want)
		}
	}
}
