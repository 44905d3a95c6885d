package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// quotedPath finds what looks like a path of this repository between backquotes.
var quotedPath = regexp.MustCompile("`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]*)*)`")

// linkedPath finds the target of a relative link.
var linkedPath = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// TestWhereIsEverything checks that the paths of the table "Where is …?" and of
// all relative links in the documentation exist.
func TestWhereIsEverything(t *testing.T) {
	root := "../.."
	table := read(t, filepath.Join(root, "docs", "architecture.md"))
	_, table, ok := strings.Cut(table, "## Where is …?")
	if !ok {
		t.Fatal("docs/architecture.md has no section \"Where is …?\"")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	rows := quotedPath.FindAllStringSubmatch(table, -1)
	if len(rows) < 30 {
		t.Fatalf("only %d paths in the table: is it still read right?", len(rows))
	}
	for _, m := range rows {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("the table names %s, which is not there", m[1])
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(p string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".md") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, m := range linkedPath.FindAllStringSubmatch(read(t, f), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(f), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", f, m[1])
			}
		}
	}
}

// TestReadmeLinksTheGuides checks that no guide is found by its directory alone.
func TestReadmeLinksTheGuides(t *testing.T) {
	guides, err := filepath.Glob("../../docs/guides/*.md")
	if err != nil || len(guides) < 5 {
		t.Fatalf("%d guides, %v", len(guides), err)
	}
	readme := read(t, "../../README.md")
	for _, g := range guides {
		if link := "](docs/guides/" + filepath.Base(g) + ")"; !strings.Contains(readme, link) {
			t.Errorf("README.md does not link docs/guides/%s", filepath.Base(g))
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
