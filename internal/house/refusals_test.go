package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// triedBy finds a test, and a row of its table, between backquotes.
var triedBy = regexp.MustCompile("`([a-z0-9/]+)\\.(Test[A-Za-z0-9]+)(?:/([^`]+))?`")

// abuses must each have a row of docs/reference/http-refusals.md.
var abuses = []string{
	"slowloris: a header", "slowloris: a body", "header and body", "oversized body", "truncated body", "chunked body", "wrong content type",
	"unknown session", "another principal's session", "another principal's task", "replayed token", "expired token", "`alg: none`",
	"HS/RS confusion", "wrong audience", "forged forwarded headers", "DNS rebinding", "cross-site `Origin`",
}

// TestRefusalsHaveTests checks that every abuse has a row, every row a test that is
// there, and every code that a row names its place in the list of codes.
func TestRefusalsHaveTests(t *testing.T) {
	there := testNames(t)
	codes := read(t, filepath.Join(top(t), "docs", "reference", "codes.md"))
	rows := map[string]bool{}
	for line := range strings.Lines(read(t, filepath.Join(top(t), "docs", "reference", "http-refusals.md"))) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(line, "|---") || strings.TrimSpace(cells[1]) == "abuse" {
			continue
		}
		rows[strings.TrimSpace(cells[1])] = true
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[3], -1) {
			if !strings.Contains(codes, "| `"+m[1]+"` |") {
				t.Errorf("%s: there is no code %s", cells[1], m[1])
			}
		}
		tests := triedBy.FindAllStringSubmatch(cells[4], -1)
		if len(tests) == 0 {
			t.Errorf("no test tries this: %s", cells[1])
		}
		for _, m := range tests {
			if !there[m[1]+"."+m[2]] {
				t.Errorf("the page names %s.%s, which is not there", m[1], m[2])
			} else if m[3] != "" && !hasRow(t, m[1], m[3]) {
				t.Errorf("the page names the row %q of %s.%s, which is not there", m[3], m[1], m[2])
			}
		}
	}
	for _, abuse := range abuses {
		found := false
		for row := range rows {
			found = found || strings.HasPrefix(row, abuse)
		}
		if !found {
			t.Errorf("no row begins with %q", abuse)
		}
	}
}

// hasRow reports whether a test of a folder has a row of that name.
func hasRow(t *testing.T, folder, row string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(top(t), filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), strconv.Quote(row)) {
			return true
		}
	}
	return false
}
