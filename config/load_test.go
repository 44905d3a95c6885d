package config

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate"
)

func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("policy.yaml", []byte(text), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEmptyFileIsTheCarefulDefault(t *testing.T) {
	for _, text := range []string{"", "# a comment\n", "---\n", "version: 1\n", "rules:\ndeny: []\nlimits: {}\n"} {
		f := parse(t, text)
		want := Defaults()
		want.raw = []byte(text)
		want.Path, want.Dir, want.Digest = "policy.yaml", "/etc/ostiary", sha256.Sum256([]byte(text))
		f.Rules, f.Deny = nil, nil
		if !reflect.DeepEqual(*f, want) {
			t.Errorf("%q:\n got %+v\nwant %+v", text, *f, want)
		}
	}
	d := Defaults()
	if d.Limits.Global != (ostiary.RateLimit{Count: 6000, Period: time.Minute}) || d.Limits.Concurrency != 16 ||
		d.Limits.Message != 16<<20 || d.Limits.Timeout != time.Minute || d.Limits.Stderr != 64<<10 ||
		d.Limits.Shutdown != 5*time.Second || d.Limits.Catalog != 10*time.Second || d.Audit.Segment != 64<<20 {
		t.Errorf("the defaults are not those of the design: %+v", d)
	}
}

func TestSampleOfTheDesign(t *testing.T) {
	data, err := os.ReadFile("testdata/sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, string(data))
	perMinute := func(n int) ostiary.RateLimit { return ostiary.RateLimit{Count: n, Period: time.Minute} }
	both := perMinute(30)
	both.PerPrincipal, both.PerTool = true, true
	want := []Rule{
		{Pos: Pos{11, 5}, Row: policy.Row{Kind: policy.Tool, Pattern: "files/read_*", Source: "policy.yaml:11:5", Effect: ostiary.EffectRead, Scopes: []string{"fs:read"}}},
		{
			Pos: Pos{14, 5},
			Row: policy.Row{
				Kind: policy.Tool, Pattern: "files/write_file", Source: "policy.yaml:14:5", Effect: ostiary.EffectWrite,
				Scopes: []string{"fs:write"}, When: "call.args.content.size() < 100000",
				Limits: []ostiary.RateLimit{both}, Timeout: 30 * time.Second,
			},
			Args: []validate.Argument{{Pointer: "/path", Path: &validate.Path{Root: "/etc/ostiary/workspace"}}},
		},
		{
			Pos: Pos{21, 5},
			Row: policy.Row{Kind: policy.Tool, Pattern: "files/delete_*", Source: "policy.yaml:21:5", Effect: ostiary.EffectDestructive, Approve: true, Channels: []string{"console"}},
		},
	}
	if !reflect.DeepEqual(f.Rules, want) {
		t.Errorf("got\n%+v\nwant\n%+v", f.Rules, want)
	}
	deny := Deny{
		Pos:     Pos{9, 5},
		DenyRow: policy.DenyRow{Kind: policy.Tool, Pattern: "*/*", Source: "policy.yaml:9:5", Reason: "keys stay home"},
		Args:    []validate.Argument{{Pointer: "path", Path: &validate.Path{Under: []string{"/home/alice/.ssh", "/home/alice/.aws"}}}},
	}
	if len(f.Deny) != 1 || !reflect.DeepEqual(f.Deny[0], deny) {
		t.Errorf("got %+v, want %+v", f.Deny, deny)
	}
	if p := f.Principals; len(p) != 1 || p[0].Name != "alice" || p[0].User != "alice" || !slices.Equal(p[0].Scopes, []string{"fs:read", "fs:write"}) {
		t.Errorf("principals: %+v", p)
	}
	if u := f.Upstreams; len(u) != 1 || u[0].Name != "files" || !slices.Equal(u[0].Command, []string{"node", "/opt/mcp/server-filesystem/index.js", "./workspace"}) {
		t.Errorf("upstreams: %+v", u)
	}
}

// TestColonsInsideBrackets: the scanner below reads [fs:read] as a mapping if a
// brace is open; YAML 1.2 reads a text.
func TestColonsInsideBrackets(t *testing.T) {
	f := parse(t, "principals: {a: {user: a, scopes: [fs:read, x, b:c:d, 5:6, 'q:r']}}\n")
	if got, want := f.Principals[0].Scopes, []string{"fs:read", "x", "b:c:d", "5:6", "q:r"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInterpolation(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("s3cr3t-from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.Dir = dir
	text := `upstreams:
  x:
    env:
      A: "Bearer ${file:key} ${env:TOKEN}!"
      B: $${env:TOKEN} $$x $y
      API_TOKEN: plain-credential
      LANG: C
    pass_env: [TOKEN, HOME]
`
	f, err := Parse("policy.yaml", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "Bearer s3cr3t-from-file s3cr3t-from-env!", "B": "${env:TOKEN} $$x $y", "API_TOKEN": "plain-credential", "LANG": "C"}
	if got := f.Upstreams[0].Env; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := []string{"s3cr3t-from-file", "s3cr3t-from-env", "plain-credential"}; !slices.Equal(f.Secrets, want) {
		t.Errorf("secrets %q, want %q", f.Secrets, want)
	}
	o.SkipSecrets, o.LookupEnv = true, func(string) (string, bool) { t.Error("asked for a secret"); return "", false }
	if f, err = Parse("policy.yaml", []byte(strings.ReplaceAll(text, "file:key", "file:nowhere")), o); err != nil || f.Upstreams[0].Env["A"] != "Bearer  !" {
		t.Errorf("without secrets: %v", err)
	}
}

func TestInterpolatedTextIsNotLookedAtAgain(t *testing.T) {
	o := testOptions()
	o.LookupEnv = func(string) (string, bool) { return "${file:/etc/passwd}", true }
	f, err := Parse("policy.yaml", []byte(`upstreams: {x: {env: {A: "${env:B}"}}}`), o)
	if err != nil || f.Upstreams[0].Env["A"] != "${file:/etc/passwd}" {
		t.Errorf("%v", err)
	}
}

func TestSecretFileThatIsNoTextFile(t *testing.T) {
	dir := t.TempDir()
	o := testOptions()
	o.Dir = dir
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"big": strings.Repeat("x", maxSecret+1), "binary": "a\x00b", "latin": "\xff"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"fifo", "big", "binary", "latin", "missing", "."} {
		_, err := Parse("policy.yaml", []byte(`upstreams: {x: {env: {A: "${file:`+name+`}"}}}`), o)
		if !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHomeIsNotTakenFromTheEnvironment(t *testing.T) {
	t.Setenv("HOME", "/tmp/planted")
	f, err := Parse("policy.yaml", []byte("upstreams: {x: {cwd: ~/w}}\n"), Options{Dir: "/etc"})
	if err != nil {
		t.Skip("this user has no entry in the user database: ", err)
	}
	if strings.HasPrefix(f.Upstreams[0].Cwd, "/tmp/planted") {
		t.Errorf("~ is %s", f.Upstreams[0].Cwd)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	_, err := Parse("policy.yaml", []byte("rules: ["+strings.Repeat("5,", 500)+"]"), testOptions())
	all := allErrors(err)
	if len(all) != maxErrors+1 || !strings.Contains(all[maxErrors].Message, "and 400 more") {
		t.Errorf("%d errors, the last: %v", len(all), all[len(all)-1])
	}
}

func TestSizeIsBounded(t *testing.T) {
	_, err := Parse("policy.yaml", []byte(strings.Repeat("#", maxBytes+1)), testOptions())
	if !errors.Is(err, ostiary.CodeConfigInvalid) {
		t.Error(err)
	}
	if _, err := Parse("policy.yaml", []byte(strings.Repeat("#", maxBytes)), testOptions()); err != nil {
		t.Error(err)
	}
}

// TestNothingHangs holds the worst that is known against the clock, generously;
// without its bounds the parser takes minutes, or the stack, for some of these.
func TestNothingHangs(t *testing.T) {
	const maxBytes = 192 << 10
	for name, text := range map[string]string{
		"many keys":      strings.Repeat("a: b\n", maxBytes/5),
		"many flow keys": "{" + strings.Repeat("a: b, ", maxBytes/6-1) + "}",
		"brackets":       strings.Repeat("[", maxBytes),
		"dashes":         strings.Repeat("- ", maxBytes/2),
		"questions":      strings.Repeat("? ", maxBytes/2),
		"colons":         strings.Repeat("a: ", maxBytes/3),
		"flow colons":    "{" + strings.Repeat("a: ", maxBytes/3-1) + "}",
		"commas":         "[" + strings.Repeat(",", maxBytes-2) + "]",
		"text":           "a: " + strings.Repeat("x ", maxBytes/2-2),
		"lines":          "a: " + strings.Repeat("x\n  ", maxBytes/4-1),
		"literal":        "a: |\n" + strings.Repeat("  xxxx\n", maxBytes/7-1),
		"steps":          steps(1000),
		"empty items":    strings.Repeat("-\n", maxBytes/2),
		"empty flow":     "{" + strings.Repeat("a: ,", maxBytes/4-1) + "}",
		"empty pairs":    "[" + strings.Repeat("a: ,", maxBytes/4-1) + "]",
		"explicit nulls": "[" + strings.Repeat("~,", maxBytes/2-1) + "]",
		"items":          strings.Repeat("- a: b\n", maxBytes/7),
		"comments":       "rules:\n" + strings.Repeat(" # x\n", maxBytes/5-2),
		"quotes":         strings.Repeat("- 'x'\n", maxBytes/6),
		"escapes":        "a: \"" + strings.Repeat("\\n", maxBytes/2-3) + "\"",
		"maps in maps":   "[" + strings.Repeat("{a: {b: c}},", maxBytes/12-1) + "]",
		"zero lists":     strings.Repeat("- a:\n  - b\n", maxBytes/11),
		"sawtooth":       "rules:\n" + strings.Repeat("- a:\n", maxBytes/6),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, _ = Parse("x.yaml", []byte(text), testOptions())
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			} else {
				t.Logf("%d bytes in %v", len(text), d)
			}
		})
	}
}

func steps(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestTenThousandRules(t *testing.T) {
	f := parse(t, "rules:\n"+strings.Repeat("  - tool: files/x\n    effect: read\n    args: {/path: {path: ./x}}\n", 10000))
	if len(f.Rules) != 10000 || f.Rules[9999].Line != 2+3*9999 {
		t.Errorf("%d rules", len(f.Rules))
	}
}
