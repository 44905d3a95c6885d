package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedTest finds a test by its folder and name between backquotes.
var namedTest = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")

// lawRow finds a row of the table of laws.
var lawRow = regexp.MustCompile(`^\| \*\*([1-8])\. [^|]+\| [^|]+ \| [^|]+ \| [^|]+ \|$`)

// TestLawsHaveTests compares docs/reference/laws.md with the tests, both ways.
func TestLawsHaveTests(t *testing.T) {
	there := testNames(t)
	page := read(t, filepath.Join(top(t), "docs", "reference", "laws.md"))
	named := map[string]bool{}
	rows := 0
	for _, line := range strings.Split(page, "\n") {
		if lawRow.MatchString(line) {
			rows++
			if !namedTest.MatchString(strings.Split(line, "|")[2]) {
				t.Errorf("a law without a test: %.60s…", line)
			}
		}
		for _, m := range namedTest.FindAllStringSubmatch(line, -1) {
			name := m[1] + "." + m[2]
			named[name] = true
			if !there[name] {
				t.Errorf("the page names %s, which is not there", name)
			}
		}
	}
	if rows != 8 {
		t.Errorf("%d complete rows, want one for each of the eight laws", rows)
	}
	for name := range there {
		_, test, _ := strings.Cut(name, ".")
		if (strings.HasPrefix(test, "TestLaw") || strings.HasPrefix(test, "FuzzLaw")) && !named[name] && test != "TestLawsHaveTests" {
			t.Errorf("%s is not in docs/reference/laws.md", name)
		}
	}
}

// testNames are the tests and fuzz targets of all packages.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	fset := token.NewFileSet()
	for _, p := range packages(t) {
		folder := p.name()
		if folder == "" {
			folder = "ostiary"
		}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					names[folder+"."+fn.Name.Name] = true
				}
			}
		}
	}
	return names
}
