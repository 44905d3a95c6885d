package scan

import (
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	for _, r := range ownRules() {
		if Describe(r.id) == "" {
			t.Errorf("%s says nothing", r.id)
		}
	}
	if got := Describe("github-pat"); !strings.Contains(got, "GitHub") {
		t.Errorf("got %q", got)
	}
	if got := Describe("acme-key"); got != "" {
		t.Errorf("got %q", got)
	}
}
