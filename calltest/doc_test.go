package calltest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../docs/reference/call-cases.md"

var fenced = regexp.MustCompile("(?s)```txtar\n(.*?)```")

// TestThePageIsRight runs every example of the page, and finds every word of the
// grammar on it.
func TestThePageIsRight(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	examples := fenced.FindAllSubmatch(text, -1)
	if len(examples) < 5 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, m := range examples {
		if r, err := runText(t, string(m[1])); err != nil || !r.OK() {
			t.Errorf("%v\n%v\n%s", err, r, m[1])
		}
	}
	words := slices.Concat(directiveNames, decisionKeys, []string{"kinds", "policy.yaml", "control-policy.yaml", "tools.json", "links"})
	for _, s := range stepSections {
		words = append(words, s+".json")
	}
	words = append(words, "person", "control-person", "events")
	for _, v := range verbs {
		words = slices.Concat(words, []string{v.name}, dashed(v.flags))
	}
	for _, w := range words {
		if !strings.Contains(string(text), "`"+w+"`") {
			t.Errorf("the page does not explain %q", w)
		}
	}
}

// TestThreatsOfTheSeeds: each threat of the table has a case.
func TestThreatsOfTheSeeds(t *testing.T) {
	for _, want := range []string{
		"prompt-injected delete", "tool confusion", "over-privilege", "path traversal", "sibling prefix", "symbolic link",
		"protected name", "shell injection", "argument injection", "SQL with a hidden write", "second SQL statement",
		"URL tricks", "flood", "slow tool", "secret in arguments", "duplicate key", "case twins", "unknown method",
		"sampling by the server", "one approval used twice", "other arguments under an approval", "a call that approves itself",
		"a confirmation by the model", "a dry run that is none", "a grant used late", "guessed capability tokens",
		"a capability token shown to the server", "a repeated call with a second effect", "an agent that must stop now",
	} {
		found := false
		files, err := os.ReadDir("../testdata/calls")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile("../testdata/calls/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(data), "\nthreat: "+want+"\n")
		}
		if !found {
			t.Errorf("no case has `threat: %s`", want)
		}
	}
}
