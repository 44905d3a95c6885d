package validate

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// explainBytes bounds the shell lines that are explained.
const explainBytes = 4 << 10

// explainShell says what a shell would have done with a line, for the refusal
// alone: nothing is ever allowed, cleaned or rewritten by what it finds. It names
// programs and constructs, no arguments.
func explainShell(line string) string {
	if len(line) > explainBytes || badCharacter(strings.NewReplacer("\n", "", "\r", "").Replace(line)) != "" {
		return ""
	}
	// Bash's grammar: a superset of what most shells read.
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		return " (and not even a shell could read it)"
	}
	var e shellExplainer
	syntax.Walk(file, e.visit)
	var parts []string
	switch n := len(e.programs); {
	case n == 1:
		parts = append(parts, "1 command: "+e.programs[0])
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d commands: %s", n, strings.Join(e.programs[:min(n, 8)], ", ")))
	}
	parts = append(parts, e.found...)
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

type shellExplainer struct{ programs, found []string }

func (e *shellExplainer) note(what string) {
	for _, f := range e.found {
		if f == what {
			return
		}
	}
	e.found = append(e.found, what)
}

func (e *shellExplainer) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.CallExpr:
		if len(n.Assigns) > 0 {
			e.note("an assignment")
		}
		if len(n.Args) > 0 {
			name := n.Args[0].Lit()
			if name == "" {
				name = "(a computed name)"
			} else if r := []rune(name); len(r) > 32 {
				name = string(r[:32]) + "…"
			}
			e.programs = append(e.programs, name)
		}
	case *syntax.BinaryCmd:
		switch n.Op {
		case syntax.Pipe, syntax.PipeAll:
			e.note("a pipe")
		default:
			e.note("a chain (" + n.Op.String() + ")")
		}
	case *syntax.Stmt:
		if n.Background {
			e.note("a background job")
		}
	case *syntax.Redirect:
		e.note("a redirection (" + n.Op.String() + ")")
	case *syntax.CmdSubst:
		e.note("a command substitution")
	case *syntax.ProcSubst:
		e.note("a process substitution")
	case *syntax.ParamExp:
		e.note("a variable")
	case *syntax.ArithmExp:
		e.note("arithmetic")
	case *syntax.Subshell:
		e.note("a subshell")
	case *syntax.FuncDecl:
		e.note("a function definition")
	case *syntax.ForClause, *syntax.WhileClause, *syntax.IfClause, *syntax.CaseClause:
		e.note("control flow")
	}
	return true
}
