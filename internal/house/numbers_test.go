package house

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestNumbersAgree checks that the table of figures in the README is the one of
// docs/measurements.md, where it says how they came about.
func TestNumbersAgree(t *testing.T) {
	table := func(file string) string {
		t.Helper()
		_, behind, ok := strings.Cut(read(t, filepath.Join(top(t), filepath.FromSlash(file))), "<!-- numbers -->\n")
		block, _, end := strings.Cut(behind, "<!-- /numbers -->")
		if !ok || !end || strings.Count(block, "\n|") < 6 {
			t.Fatalf("%s has no table between <!-- numbers --> and <!-- /numbers -->", file)
		}
		return strings.TrimSpace(block)
	}
	if readme, page := table("README.md"), table("docs/measurements.md"); readme != page {
		t.Errorf("the README says\n%s\n\nand docs/measurements.md\n%s", readme, page)
	}
}
