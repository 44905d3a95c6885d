package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// doors are the rooms that let calls in. They judge nothing by themselves: they
// hand calls to the line. (A command that explains a policy asks its gates and
// forwards nothing.)
var doors = []string{"gateway", "middleware", "tools", "console"}

// judges are the rooms whose checks only the line calls. A door may name types of
// policy, because it compiles rules against the catalog.
var judges = []string{"limit", "validate", "flow", "approval", "grant", "idempotency", "pin"}

// mixer is the one file that makes a line.
const mixer = "config/build.go"

// TestLaw8OneRuleOnePlace checks that every door shares the line: it is made in one
// place, and no door asks a gate, a filter or a recorder by itself.
func TestLaw8OneRuleOnePlace(t *testing.T) {
	fset := token.NewFileSet()
	made := 0
	for _, p := range packages(t) {
		if within(peers, p.name()) {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			at := p.name() + "/" + name
			lines, bad := bypasses(file, p.name())
			if at == mixer {
				made += lines
			} else if lines > 0 {
				t.Errorf("%s makes a line; only %s may", at, mixer)
			}
			for _, b := range bad {
				t.Errorf("%s: %s", at, b)
			}
		}
	}
	if made != 1 {
		t.Errorf("%s makes %d lines, want one that all doors share", mixer, made)
	}
}

// TestLaw8Sees breaks the law on purpose.
func TestLaw8Sees(t *testing.T) {
	const head = "package x\nimport (\"" + module + "\"; \"" + module + "/policy\")\n"
	for src, want := range map[string]struct {
		room       string
		lines, bad int
	}{
		head + "func f(g ostiary.Gate) { g.Check(nil, nil) }":                               {"gateway", 0, 1},
		head + "func f(s ostiary.Settler) { s.Settle(nil, nil, nil) }":                      {"gateway", 0, 1},
		head + "func f(r ostiary.Recorder) { e, _ := r.Begin(nil); e.Intent(d); e.End(o) }": {"gateway", 0, 3},
		head + "func f(p *policy.Policy) { p.Gate() }":                                      {"gateway", 0, 1},
		head + "func f(c *ostiary.Call) { c.Rule.Checks[0].Run(nil, c) }":                   {"gateway", 0, 1},
		head + "func f(c *ostiary.Call) { c.Rule.When.Holds(nil, c) }":                      {"gateway", 0, 1},
		"package x\nimport \"" + module + "/limit\"\n":                                      {"gateway", 0, 1},
		"package x\nimport \"" + module + "/validate/sqlhelper\"\n":                         {"gateway", 0, 0},
		head + "func f() { ostiary.New(ostiary.Options{}) }":                                {"config", 1, 0},
		head + "func f(l *ostiary.Line) { l.Do(nil, nil, nil); l.Refuse(nil, d) }":          {"gateway", 0, 0},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if lines, bad := bypasses(file, want.room); lines != want.lines || len(bad) != want.bad {
			t.Errorf("%s\n%d lines, %q", src, lines, bad)
		}
	}
}

// bypasses counts the lines that a file makes and lists where it goes past one.
func bypasses(file *ast.File, name string) (lines int, bad []string) {
	door := slices.Contains(doors, room(name))
	for _, imp := range file.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		if to, ours := strings.CutPrefix(path, module+"/"); door && ours && slices.Contains(judges, to) {
			bad = append(bad, "imports "+to+": a door has no check of its own")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == "ostiary" && sel.Sel.Name == "New" {
			lines++
		}
		if door && slices.Contains([]string{"Check", "Settle", "Apply", "Intent", "End", "Begin", "Gate", "Run", "Holds"}, sel.Sel.Name) && judged(sel) {
			bad = append(bad, fmt.Sprintf("calls %s, which the line does", sel.Sel.Name))
		}
		return true
	})
	return lines, bad
}

// judged tells the methods of gates and rules from others of the same name: Run is
// also what commands and doors have.
func judged(sel *ast.SelectorExpr) bool {
	if sel.Sel.Name != "Run" {
		return true
	}
	_, element := sel.X.(*ast.IndexExpr)
	return element
}
