package calltest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// nextStep finds a word that tells somebody to do something.
var nextStep = regexp.MustCompile(`(?i)\b(send|use|ask|add|adds|write|writes|wait|retry|repeat|try|tell|leave out|look|remove|give|` +
	`reconnect|choose|must|replace|split|change|close|put|encode|call tools)\b`)

// TestLaw7ARefusalHelps runs the cases of the house and looks at every refusal that
// they produce, as the agent gets it: a code of the closed list, one sentence or a
// few, a next step, and nothing that only the operator should see.
func TestLaw7ARefusalHelps(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/codes.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../testdata/calls/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	var mu sync.Mutex
	codes := map[string]int{}
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				o := options()
				o.look = func(c *testCase, p *played) {
					for _, code := range refusals(t, c, p, string(page)) {
						mu.Lock()
						codes[code]++
						mu.Unlock()
					}
				}
				r, err := Run(t.Context(), file, o)
				if err != nil {
					t.Fatal(err)
				}
				if !r.OK() {
					t.Error(r)
				}
			})
		}
	})
	if len(codes) < 20 {
		t.Errorf("the cases produce only these codes: %v", codes)
	}
}

// refusals looks at each refusal in a run, and returns their codes.
func refusals(t *testing.T, c *testCase, p *played, page string) (codes []string) {
	for _, o := range p.all {
		refusal := toldIn(o.answer)
		if refusal == nil {
			// Of repeated calls only the last one is refused.
			if o.step.refused() && !o.step.ask && o.sent.id != "" && c.repeat == 1 {
				t.Errorf("refused, and the agent is told nothing: %s", o.answer)
			}
			continue
		}
		codes = append(codes, refusal.Code)
		if !strings.Contains(page, "| `"+refusal.Code+"` |") {
			t.Errorf("the code %q is not documented", refusal.Code)
		}
		if why := unhelpful(refusal.message, p.names.work); why != "" {
			t.Errorf("%s: %s\n%s", refusal.Code, why, refusal.message)
		}
	}
	return codes
}

// unhelpful says what is wrong with a message to the agent; "" if nothing is.
func unhelpful(message, work string) string {
	switch {
	case len(message) < 30:
		return "too short to say what was refused and what to do"
	case len(message) > 1000:
		return "too long to be read"
	case !nextStep.MatchString(message):
		return "no next step"
	case strings.Contains(message, "goroutine ") || strings.Contains(message, ".go:"):
		return "it shows the inside of the program"
	case strings.Contains(message, filepath.Join(work, "state")) || strings.Contains(message, "the sibling's secret"):
		return "it shows what the agent should not see"
	}
	return ""
}

// TestLaw7Sees is the control: messages that do not help are found.
func TestLaw7Sees(t *testing.T) {
	for _, bad := range []string{
		"", "denied", "Access to the requested resource is forbidden.", "wire: cannot unmarshal object into string in line 1",
		"send another path: panic at pipeline.go:12", "use another file than /w/state/key.pem please", strings.Repeat("send less ", 200),
	} {
		if unhelpful(bad, "/w") == "" {
			t.Errorf("%q counts as helpful", bad)
		}
	}
	if why := unhelpful(`missing scope fs:write: reconnect with it`, "/w"); why != "" {
		t.Error(why)
	}
}
