package ostiary_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// What filters find has ids of the call, is bounded, and reaches the record also where
// the result is withheld.
func TestFindingsReachTheRecord(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		n := &notebook{}
		l, err := ostiary.New(ostiary.Options{
			Gates: []ostiary.Gate{allow}, Recorder: n, Timeout: time.Minute, Now: time.Now,
			Filters: []ostiary.Filter{filter(func(r *ostiary.Result) error {
				r.Find(ostiary.Finding{Rule: "a"})
				r.Find(ostiary.Finding{ID: "own", Rule: "b"})
				for range ostiary.MaxFindings {
					r.Find(ostiary.Finding{Rule: "c"})
				}
				if blocks {
					return errors.New("blocked")
				}
				return nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		c := read()
		c.ID = "c"
		l.Do(t.Context(), c, runs(n))
		got := n.last.Result
		if got == nil || got.Found != ostiary.MaxFindings+2 || len(got.Findings) != ostiary.MaxFindings {
			t.Fatalf("blocks %v: got %+v", blocks, got)
		}
		var ids []string
		for _, f := range got.Findings[:3] {
			ids = append(ids, f.ID)
		}
		if !slices.Equal(ids, []string{"f-c-1", "own", "f-c-3"}) {
			t.Errorf("got %q", ids)
		}
	}
}

// What Treat found is recorded by Heard, as a call that was let pass.
func TestHeard(t *testing.T) {
	n := &notebook{}
	l, err := ostiary.New(ostiary.Options{
		Gates: []ostiary.Gate{allow}, Recorder: n, Timeout: time.Minute, Now: time.Now,
		Filters: []ostiary.Filter{filter(func(r *ostiary.Result) error {
			r.Find(ostiary.Finding{Rule: "a"})
			return nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, r := read(), &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{}`)}
	c.ID = "c"
	if err := l.Treat(t.Context(), c, r); err != nil || r.Findings[0].ID != "f-c-1" {
		t.Fatal(r, err)
	}
	if n.last.Result != nil {
		t.Fatalf("Treat recorded %+v", n.last)
	}
	d := l.Heard(c, "in 1 message", r)
	if d.Verdict != ostiary.Allow || n.last.Status != ostiary.StatusOK || n.last.Result.Found != 1 || n.last.Decision.Reason != "in 1 message" {
		t.Errorf("%+v, %+v", d, n.last)
	}
	n.failEnd = errors.New("full")
	if d := l.Heard(c, "", r); d.Verdict != ostiary.Deny || d.Code != ostiary.CodeAuditUnavailable {
		t.Errorf("unrecorded: %+v", d)
	}
}

// However many findings one stage has, there is one of each other stage.
func TestEachStageHasAFinding(t *testing.T) {
	r := &ostiary.Result{}
	for range 1000 {
		r.Find(ostiary.Finding{Stage: "redact"})
	}
	for range 10 {
		r.Find(ostiary.Finding{Stage: "untrusted"})
		r.Find(ostiary.Finding{Stage: "detect"})
	}
	n := map[string]int{}
	for _, f := range r.Findings {
		n[f.Stage]++
	}
	if r.Found != 1020 || n["redact"] != ostiary.MaxFindings-2 || n["untrusted"] != 1 || n["detect"] != 1 {
		t.Errorf("found %d, kept %v", r.Found, n)
	}
}
