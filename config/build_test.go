package config

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

// judge says whether the file's rule for up/read lets a path through.
func judge(t *testing.T, f *File, w Wiring, path string) error {
	t.Helper()
	p, err := f.NewPolicy(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	book, problems := p.Compile("up", []ostiary.Tool{{Upstream: "up", Name: "read",
		InputSchema: []byte(`{"type": "object", "properties": {"path": {"type": "string"}}}`)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rule := book.Tool("read")
	if rule == nil || len(rule.Checks) == 0 {
		t.Fatal("no check")
	}
	for _, c := range rule.Checks {
		call := &ostiary.Call{Effect: ostiary.EffectRead, Args: map[string]any{"path": path}}
		if err := c.Run(context.Background(), call); err != nil {
			return err
		}
	}
	return nil
}

const readHere = "rules: [{tool: up/read, effect: read, args: {/path: {path: .}}}]\n"

func TestOwnFilesAreProtected(t *testing.T) {
	dir, path := write(t, readHere)
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(state, "key"), filepath.Join(dir, "notes")} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Load(path, Options{Home: "/home/me"})
	if err != nil {
		t.Fatal(err)
	}
	w := Wiring{State: state, Home: "/home/me", WorkingDir: func(string) string { return dir }}
	if err := judge(t, f, w, "notes"); err != nil {
		t.Errorf("control: %v", err)
	}
	for _, name := range []string{"state/key", "state", "policy.yaml"} {
		if err := judge(t, f, w, name); err == nil || !strings.Contains(err.Error(), "Ostiary itself") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRemoteIsJudgedByTheText: links of our own file system mean nothing on another.
func TestRemoteIsJudgedByTheText(t *testing.T) {
	for _, c := range []struct {
		filesystem string
		refused    bool
	}{{"local", true}, {"remote", false}} {
		dir, path := write(t, "upstreams: {up: {filesystem: "+c.filesystem+"}}\n"+readHere)
		if err := os.Symlink("/etc", filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		f, err := Load(path, Options{Home: "/home/me"})
		if err != nil {
			t.Fatal(err)
		}
		w := Wiring{Home: "/home/me", WorkingDir: func(string) string { return dir }}
		if err := judge(t, f, w, filepath.Join(dir, "out/hosts")); (err != nil) != c.refused {
			t.Errorf("%s: a link that leads out: %v", c.filesystem, err)
		}
		if err := judge(t, f, w, filepath.Join(dir, "../x")); err == nil {
			t.Errorf("%s: a name outside is let through", c.filesystem)
		}
	}
}

func TestTheLogKnowsTheSecretsOfTheFile(t *testing.T) {
	text := `upstreams: {x: {env: {API_TOKEN: plain-credential, A: "${env:TOKEN}"}}}`
	var told bytes.Buffer
	r, err := parse(t, text).NewRedactor(slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"plain-credential", "s3cr3t-from-env"} {
		if got := r.Text("sent " + secret + " to x"); strings.Contains(got, secret) || !strings.Contains(got, "to x") {
			t.Errorf("%q", got)
		}
	}
	if told.Len() > 0 {
		t.Errorf("warned: %s", &told)
	}
}

// TestTheLogKnowsWhatMayBeASecret: the name of a variable tells that its value is
// harmless, never that it is no secret.
func TestTheLogKnowsWhatMayBeASecret(t *testing.T) {
	env := map[string]string{
		"STRIPE_KEY": "value-of-stripe", "GITHUB_PAT": "value-of-github", "AWS_CREDS": "value-of-aws", "PLAIN": "value-of-plain",
		"HTTPS_PROXY": "http://me:value-of-proxy@proxy.example:3128", "MY_HOST": "https://me:value-of-host@api.example/",
		"HTTP_PROXY": "http://proxy.example:3128", "NODE_ENV": "production", "LC_ALL": "harmless-locale", "CACHE_DIR": "/harmless/cache",
		"WORD": "REDACTED", "FLAG": "true",
	}
	o := testOptions()
	o.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	names := strings.Join(slices.Sorted(maps.Keys(env)), ", ")
	f, err := Parse("policy.yaml", []byte("upstreams: {x: {pass_env: ["+names+"], env: {OTHER_KEY: value-of-other}}}"), o)
	if err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	r, err := f.NewRedactor(slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"stripe", "github", "aws", "plain", "proxy", "host", "other"} {
		if got := r.Text("sent value-of-" + secret + " on"); strings.Contains(got, "value-of") {
			t.Errorf("%q", got)
		}
	}
	for _, plain := range []string{"http://proxy.example:3128", "production", "harmless-locale", "/harmless/cache", "true"} {
		if got := r.Text("sent " + plain + " on"); got != "sent "+plain+" on" {
			t.Errorf("%q is redacted: %q", plain, got)
		}
	}
	if !strings.Contains(told.String(), "variable=WORD") || strings.Count(told.String(), "\n") != 1 {
		t.Errorf("warned: %s", &told)
	}
}
