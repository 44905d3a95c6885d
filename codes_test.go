package ostiary_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestEveryCodeIsDocumented compares the closed list with its reference page,
// both ways.
func TestEveryCodeIsDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					s, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					codes[s] = true
				}
			}
		}
		return true
	})
	page, err := os.ReadFile("docs/reference/codes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !codes[m[1]] {
			t.Errorf("docs/reference/codes.md documents %s, which is not in codes.go", m[1])
		}
		delete(codes, m[1])
	}
	for c := range codes {
		t.Errorf("codes.go has %s, which docs/reference/codes.md does not document", c)
	}
}
