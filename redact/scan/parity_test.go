package scan

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zricethezav/gitleaks/v8/detect"
)

// sample is a text of gitleaks' own tests: with a secret of a rule in it or with
// something that only looks like one.
type sample struct {
	Rule, Label, Path, Text string
}

// data is a file of the evaluation data; the test is skipped where there is none.
func data(t testing.TB, name string) string {
	dir := os.Getenv("OSTIARY_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the evaluation data is not here (set OSTIARY_DATA to its folder): %v", err)
	}
	return path
}

func samples(t testing.TB) (all []sample) {
	file, err := os.Open(data(t, "secrets/samples.dev.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzip)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// score counts the samples of a rule that the rule itself found.
type score struct{ secrets, theirs, ours, others, falseTheirs, falseOurs int }

// TestParity compares with gitleaks' own detector, rule by rule: no secret that it
// finds is missed, and nothing is found in what is none where it finds nothing.
func TestParity(t *testing.T) {
	all := samples(t)
	reference, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	scores := map[string]*score{}
	for _, s := range all {
		c := scores[s.Rule]
		if c == nil {
			c = &score{}
			scores[s.Rule] = c
		}
		theirs := map[string]string{}
		for _, f := range reference.DetectString(s.Text) {
			theirs[f.RuleID] = f.Secret
		}
		f := e.finders.Get().(*finder)
		ours := map[string]string{}
		for _, m := range f.find(s.Text) {
			ours[m.rule.id] = s.Text[m.start:m.end]
		}
		f.release()
		_, byThem := theirs[s.Rule]
		_, byUs := ours[s.Rule]
		if s.Label == "secret" {
			c.secrets++
			count(&c.theirs, byThem)
			count(&c.ours, byUs)
			count(&c.others, !byUs && len(ours) > 0)
			if len(ours) == 0 && len(theirs) > 0 {
				t.Errorf("%s: gitleaks finds %v, we find nothing in %q", s.Rule, theirs, s.Text)
			}
			if byThem && byUs && !strings.Contains(ours[s.Rule], theirs[s.Rule]) {
				t.Errorf("%s: gitleaks finds %q, we %q", s.Rule, theirs[s.Rule], ours[s.Rule])
			}
		} else {
			count(&c.falseTheirs, byThem)
			count(&c.falseOurs, byUs)
			if byUs && !byThem {
				t.Errorf("%s: we find %v, gitleaks %v, in what is no secret: %q", s.Rule, ours, theirs, s.Text)
			}
		}
	}
	var b strings.Builder
	names := make([]string, 0, len(scores))
	for n := range scores {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		c := scores[n]
		fmt.Fprintf(&b, "%-40s secrets %3d gitleaks %3d we %3d (another rule %d), false %d / %d\n", n, c.secrets, c.theirs, c.ours, c.others, c.falseTheirs, c.falseOurs)
		if c.ours < c.theirs {
			t.Errorf("%s: we find %d of %d, gitleaks %d", n, c.ours, c.secrets, c.theirs)
		}
	}
	t.Log("\n" + b.String())
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}
