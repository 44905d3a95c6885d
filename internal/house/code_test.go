package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

// TestNoHiddenState checks that no package acts by being imported and that none
// keeps state beside its values.
func TestNoHiddenState(t *testing.T) {
	fset := token.NewFileSet()
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, f := range hidden(file) {
				t.Errorf("%s/%s:%d: %s", p.name(), name, fset.Position(f.pos).Line, f.why)
			}
		}
	}
}

// TestNoHiddenStateSees breaks the rule on purpose.
func TestNoHiddenStateSees(t *testing.T) {
	for src, bad := range map[string]bool{
		`func init() {}`:                                         true,
		`func (x T) init() {}; type T int`:                       false,
		`var n int`:                                              true,
		`var mu sync.Mutex`:                                      true,
		`var once = &sync.Once{}`:                                true,
		`var cache = map[string]int{}`:                           true,
		`var cache = make(map[string]int)`:                       true,
		`var seen sync.Map`:                                      true,
		`var last atomic.Int64`:                                  true,
		`var next *T; type T int`:                                true,
		`var ErrX = errors.New("x")`:                             false,
		`var re = regexp.MustCompile("x")`:                       false,
		`var names = [...]string{"a"}`:                           false,
		`var names = map[string]int{"a": 1}`:                     false,
		`var _ G = (*T)(nil); type G any; type T int`:            false,
		`var table = newTable(); func newTable() int {return 1}`: false,
		`func f() { var mu sync.Mutex; mu.Lock() }`:              false,
		"// T is.\n//\n//go:embed t.txt\nvar T string":           false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(hidden(file)) > 0; got != bad {
			t.Errorf("%s: found %v, want %v", src, got, bad)
		}
	}
}

type finding struct {
	pos token.Pos
	why string
}

// hidden finds init functions and package variables that can only be state: those
// without a first value, empty maps, and what locks or counts. A variable with a
// first value is taken for a table; whoever assigns to it is found in review.
func hidden(file *ast.File) []finding {
	var found []finding
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" && d.Recv == nil {
				found = append(found, finding{d.Pos(), "func init: nothing happens by being imported; make a value in New and pass it in"})
			}
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			embedded := d.Doc != nil && strings.Contains(directives(d.Doc), "//go:embed")
			for _, s := range d.Specs {
				v := s.(*ast.ValueSpec)
				if embedded || (v.Doc != nil && strings.Contains(directives(v.Doc), "//go:embed")) {
					continue
				}
				if isState(v) {
					found = append(found, finding{v.Pos(), fmt.Sprintf(
						"var %s is state of the package; keep it in a value that New returns", v.Names[0].Name)})
				}
			}
		}
	}
	return found
}

func directives(c *ast.CommentGroup) string {
	var b strings.Builder
	for _, line := range c.List {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

func isState(v *ast.ValueSpec) bool {
	if len(v.Values) == 0 || locks(v.Type) {
		return true
	}
	return slices.ContainsFunc(v.Values, func(e ast.Expr) bool {
		if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
			e = u.X
		}
		switch e := e.(type) {
		case *ast.CompositeLit:
			_, isMap := e.Type.(*ast.MapType)
			return locks(e.Type) || isMap && len(e.Elts) == 0
		case *ast.CallExpr:
			f, ok := e.Fun.(*ast.Ident)
			if ok && f.Name == "make" {
				return true
			}
			return ok && f.Name == "new"
		}
		return false
	})
}

// locks reports whether a type comes from sync or sync/atomic.
func locks(t ast.Expr) bool {
	sel, ok := t.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	p, ok := sel.X.(*ast.Ident)
	return ok && (p.Name == "sync" || p.Name == "atomic")
}

// Files are short because a file is a concept. Generated ones do not count.
const (
	medianLines = 170
	longLines   = 300
)

// TestFileLength reports the median length of the files of code, fails when it is
// too long, and lists the files to look at.
func TestFileLength(t *testing.T) {
	lengths := map[string]int{}
	fset := token.NewFileSet()
	for _, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			path := filepath.Join(p.Dir, name)
			file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			if !ast.IsGenerated(file) {
				lengths[strings.TrimPrefix(p.name()+"/"+name, "/")] = fset.File(file.Pos()).LineCount()
			}
		}
	}
	var sorted []int
	for _, n := range lengths {
		sorted = append(sorted, n)
	}
	sort.Ints(sorted)
	median := sorted[len(sorted)/2]
	t.Logf("%d files, median %d lines, longest %d", len(sorted), median, sorted[len(sorted)-1])
	if median >= medianLines {
		t.Errorf("the median file has %d lines, want fewer than %d: a file is one concept", median, medianLines)
	}
	for name, n := range lengths {
		if n > longLines {
			t.Logf("warning: %s has %d lines; is it still one concept?", name, n)
		}
	}
}
