package validate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// program is a loaded CommandRule.
type program struct {
	path, target string
	flags        map[string]bool
	prefixes     []string // "--name=", any value
	subcommands  []string
	maxArgs      int
}

// load checks a rule once. Its errors are the operator's.
func (r *CommandRule) load() (*program, error) {
	if !filepath.IsAbs(r.Path) || filepath.Clean(r.Path) != r.Path {
		return nil, fmt.Errorf("allow has the program %q: write its clean absolute path, such as /usr/bin/git", r.Path)
	}
	target, err := filepath.EvalSymlinks(r.Path)
	if err != nil {
		return nil, fmt.Errorf("allow has the program %s, which cannot be found: %w", r.Path, err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return nil, fmt.Errorf("allow has the program %s, which cannot be looked at: %w", r.Path, err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return nil, fmt.Errorf("allow has %s, which is no executable file", r.Path)
	}
	name, behind := filepath.Base(r.Path), filepath.Base(target)
	if !r.DangerouslyInterpreter {
		if isInterpreter(name) || isInterpreter(behind) && !isMultiCall(behind) {
			return nil, fmt.Errorf("allow has %s, whose arguments are programs, so allowing it allows everything: list the programs that are needed, or write dangerously_interpreter: true", r.Path)
		}
	}
	p := &program{path: r.Path, target: target, flags: make(map[string]bool), subcommands: r.Subcommands, maxArgs: r.MaxArgs}
	if p.maxArgs <= 0 {
		p.maxArgs = commandDefaultArgs
	}
	for _, f := range r.Flags {
		if err := p.addFlag(f, r.DangerouslyInterpreter); err != nil {
			return nil, err
		}
	}
	for _, s := range r.Subcommands {
		if s == "" || startsWithDash(s) || strings.HasPrefix(s, "@") || badCharacter(s) != "" {
			return nil, fmt.Errorf("%s: the subcommand %q can never be sent", r.Path, s)
		}
	}
	return p, nil
}

func (p *program) addFlag(f string, interpreter bool) error {
	name, value, hasValue := strings.Cut(f, "=")
	switch {
	case !strings.HasPrefix(f, "-") || strings.ContainsAny(f, " \t*") || badCharacter(f) != "":
		return fmt.Errorf("%s: %q is no flag: write -x, --name, --name= (any value) or --", p.path, f)
	case hasValue && len(strings.TrimLeft(name, "-")) < 2:
		return fmt.Errorf("%s: %q would allow every value behind a short flag: list the exact words, such as -n5", p.path, f)
	case runsProgram(name) && !interpreter:
		return fmt.Errorf("%s: the flag %s runs any program: leave it out, or write dangerously_interpreter: true", p.path, name)
	case hasValue && value == "":
		p.prefixes = append(p.prefixes, f)
	default:
		p.flags[f] = true
	}
	return nil
}

// judgeArgs judges the words behind the program.
func (p *program) judgeArgs(args []string) error {
	if len(args) > p.maxArgs {
		return refuseCommand("the command has %d arguments; %s may have %d: send fewer", len(args), p.path, p.maxArgs)
	}
	if len(p.subcommands) > 0 && (len(args) == 0 || !slices.Contains(p.subcommands, args[0])) {
		return refuseCommand("the first word behind %s must be one of %s, with flags only after it", p.path, listed(p.subcommands))
	}
	literal := false // behind "--"
	for i, arg := range args {
		// Space in front counts for nothing, because the upstream may trim it.
		word := strings.TrimLeftFunc(arg, outerSpace)
		switch {
		case strings.HasPrefix(word, "@"):
			return refuseCommand("argument %d begins with @, which many programs read as \"the contents of this file\": leave it out", i+1)
		case arg == "--" && !literal && p.flags["--"]:
			literal = true
		case strings.HasPrefix(arg, "-") && !literal:
			if err := p.judgeFlag(arg); err != nil {
				return err
			}
		case word != arg && startsWithDash(word) && !literal:
			return refuseCommand("argument %d has white space in front of a dash: leave the space out", i+1)
		case startsWithDash(word) && !strings.HasPrefix(word, "-"):
			return refuseCommand("argument %d begins with a character that only looks like a dash: leave it out", i+1)
		}
	}
	return nil
}

func (p *program) judgeFlag(arg string) error {
	if p.flags[arg] {
		return nil
	}
	for _, prefix := range p.prefixes {
		if value, ok := strings.CutPrefix(arg, prefix); ok {
			if strings.HasPrefix(value, "@") {
				return refuseCommand("the value of %s begins with @, which many programs read as \"the contents of this file\": leave it out", prefix)
			}
			return nil
		}
	}
	why := "is not on the list of allowed flags"
	if isDangerousFlag(arg) {
		why = "can run a program or read a file and is not on the list of allowed flags"
	}
	return refuseCommand("the flag %s %s; %s", flagName(arg), why, p.flagWords())
}

func (p *program) flagWords() string {
	var words []string
	for f := range p.flags {
		words = append(words, f)
	}
	words = append(words, p.prefixes...)
	if len(words) == 0 {
		return "call " + p.path + " without flags"
	}
	return "use only, each as a word of its own, " + listed(words)
}

// flagName is a flag without its value, which may be a secret (-pSECRET).
func flagName(arg string) string {
	name, _, cut := strings.Cut(arg, "=")
	if !strings.HasPrefix(arg, "--") && len(arg) > 2 {
		_, size := utf8.DecodeRuneInString(arg[1:])
		name, cut = arg[:1+size], true
	}
	if cut {
		return quoteShort(name + "…")
	}
	return quoteShort(name)
}

// startsWithDash reports whether a word begins with a dash of any script. Some
// programs and terminals turn the others into the real one.
func startsWithDash(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '-' || r == '\u2212' || unicode.Is(unicode.Pd, r)
}

// badCharacter names a character that no argument needs and that ends, hides or
// splits one.
func badCharacter(s string) string {
	if !utf8.ValidString(s) {
		return "bytes that are no UTF-8"
	}
	for _, r := range s {
		switch {
		case r == 0:
			return "a NUL"
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return "a line break"
		case unicode.IsControl(r) && r != '\t':
			return "a control character"
		}
	}
	return ""
}
