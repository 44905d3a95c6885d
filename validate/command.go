package validate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ostiary/ostiary"
)

// Command says which programs an argument may name. The zero value denies
// everything.
type Command struct {
	// Allow lists the programs; an empty list denies every command.
	Allow []CommandRule
	// Argument says that the value is not a command but ONE word that the
	// upstream hands to a program, so that it must not read as an option, as a
	// file reference ("@file") or as more than one line. Allow is then empty.
	Argument bool
	// MaxBytes bounds all words together; 0 means 16 KiB.
	MaxBytes int
}

// CommandRule allows one program.
type CommandRule struct {
	// Path is absolute and the only name under which the program may be called.
	// A symbolic link is resolved when the rule is loaded; if it leads elsewhere
	// at the time of a call, the call is denied.
	Path string
	// Flags are the allowed words that begin with a dash: "-l" and "--name-only"
	// exactly, "--max-count=" with any value. "--" here means that words behind
	// "--" may begin with a dash.
	Flags []string
	// Subcommands, if any, are the allowed first words behind the program; no flag
	// may stand before them, because it could swallow the word that was judged.
	Subcommands []string
	// MaxArgs bounds the words behind the program; 0 means 64.
	MaxArgs int
	// DangerouslyInterpreter accepts a program whose arguments are programs
	// themselves (a shell, an interpreter, a wrapper such as env or xargs).
	DangerouslyInterpreter bool
}

const (
	commandDefaultBytes = 16 << 10
	commandDefaultArgs  = 64
)

// compile implements validator.
func (c *Command) compile(Options) (judge, error) {
	maxBytes := c.MaxBytes
	switch {
	case maxBytes < 0:
		return nil, fmt.Errorf("max_bytes is %d: write a positive number", maxBytes)
	case maxBytes == 0:
		maxBytes = commandDefaultBytes
	}
	if c.Argument {
		if len(c.Allow) > 0 {
			return nil, errors.New("argument: true is for one word of a command that the upstream builds; allow: is for a whole command: write one of them")
		}
		return func(_ context.Context, v any) error { return judgeArgument(v, maxBytes) }, nil
	}
	j := &commandJudge{programs: make(map[string]*program, len(c.Allow)), maxBytes: maxBytes}
	for _, r := range c.Allow {
		p, err := r.load()
		if err != nil {
			return nil, err
		}
		if j.programs[p.path] != nil {
			return nil, fmt.Errorf("allow lists %s twice: write one row with all its flags", p.path)
		}
		j.programs[p.path] = p
	}
	return j.judge, nil
}

// commandJudge is a compiled Command.
type commandJudge struct {
	programs map[string]*program
	maxBytes int
}

func (j *commandJudge) judge(_ context.Context, v any) error {
	var list []any
	switch v := v.(type) {
	case string:
		return refuseCommand("a command is an array of words, and this is a line for a shell%s; nothing here is run by a shell: send %s",
			explainShell(v), j.example(v))
	case []any:
		list = v
	default:
		return refuseCommand("a command is an array of words, and this is a %s: send %s", typeName(v), j.example(""))
	}
	if len(list) == 0 {
		return refuseCommand("the command is empty: send %s", j.example(""))
	}
	argv := make([]string, len(list))
	total := 0
	for i, e := range list {
		word, ok := e.(string)
		if !ok {
			return refuseCommand("word %d of the command is a %s: every word must be a string", i, typeName(e))
		}
		argv[i] = word
		if total += len(word); total > j.maxBytes {
			return refuseCommand("the command is longer than %d bytes: send less", j.maxBytes)
		}
		if why := badCharacter(word); why != "" {
			return refuseCommand("word %d of the command contains %s: leave it out", i, why)
		}
	}
	p := j.programs[argv[0]]
	if p == nil {
		return j.wrongProgram(argv[0])
	}
	if now, err := filepath.EvalSymlinks(p.path); err != nil || now != p.target {
		return &ostiary.Error{
			Code: ostiary.CodeValidateCommand, Err: err,
			Message: p.path + " is not the program that the rule was loaded with; tell the operator",
			Reason:  fmt.Sprintf("%s led to %s when the rule was loaded and leads to %q now", p.path, p.target, now),
		}
	}
	return p.judgeArgs(argv[1:])
}

// wrongProgram says which name to send instead.
func (j *commandJudge) wrongProgram(name string) error {
	if len(j.programs) == 0 {
		return refuseCommand("no command is allowed here: ask the operator to list programs under allow:")
	}
	if key, _, ok := strings.Cut(name, "="); ok && !strings.Contains(key, "/") {
		return refuseCommand("the command begins with an assignment to its environment, which is never allowed: send %s", j.example(""))
	}
	if p := j.byBase(name); p != nil {
		return refuseCommand("the program is not named by its allowed absolute path: send %s", j.exampleOf(p))
	}
	return refuseCommand("the program %s is not allowed: use only %s", quoteShort(name), listed(j.paths()))
}

func (j *commandJudge) paths() []string {
	paths := make([]string, 0, len(j.programs))
	for p := range j.programs {
		paths = append(paths, p)
	}
	return paths
}

func (j *commandJudge) byBase(name string) *program {
	for _, p := range j.programs {
		if filepath.Base(p.path) == filepath.Base(name) {
			return p
		}
	}
	return nil
}

// example is what a right command looks like, for the program of a shell line
// where there is one. It repeats no argument: one of them may be a secret.
func (j *commandJudge) example(line string) string {
	if first, _, _ := strings.Cut(strings.TrimSpace(line), " "); first != "" {
		if p := j.byBase(first); p != nil {
			return j.exampleOf(p)
		}
	}
	return `one array with a word in each element, ["/absolute/program", "argument", …], the program from ` + orNone(listed(j.paths()))
}

func (j *commandJudge) exampleOf(p *program) string {
	return fmt.Sprintf("[%q, …] with each argument as an element of its own", p.path)
}

func orNone(s string) string {
	if s == "" {
		return "the rule's allow: list (which is empty)"
	}
	return s
}

// judgeArgument judges one word that the upstream hands to a program. Space in
// front counts for nothing, because the upstream may trim it.
func judgeArgument(v any, maxBytes int) error {
	word, ok := v.(string)
	if !ok {
		return refuseCommand("an argument of a command is a string, and this is a %s: send a string", typeName(v))
	}
	trimmed := strings.TrimSpace(word)
	switch why := badCharacter(word); {
	case len(word) > maxBytes:
		return refuseCommand("the argument is longer than %d bytes: send less", maxBytes)
	case why != "":
		return refuseCommand("the argument contains %s: leave it out", why)
	case startsWithDash(trimmed):
		return refuseCommand("the argument begins with a dash and would read as an option: write a name such as ./-name, or leave the dash out")
	case strings.HasPrefix(trimmed, "@"):
		return refuseCommand("the argument begins with @, which many programs read as \"the contents of this file\": leave it out")
	}
	return nil
}

func refuseCommand(format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeValidateCommand, Message: fmt.Sprintf(format, args...)}
}
