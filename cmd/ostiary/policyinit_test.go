package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/internal/peers"
)

// ostiaryRun runs the command in this process.
func ostiaryRun(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = program{args: args, in: strings.NewReader(""), out: &o, err: &e}.run()
	return status, o.String(), e.String()
}

// TestDraftsFitTheirServers drafts a policy for each npm server, which config
// check and policy lint then accept without a finding.
func TestDraftsFitTheirServers(t *testing.T) {
	for _, name := range peers.Servers() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ws, file := filepath.Join(dir, "ws"), filepath.Join(dir, "policy", "draft.yaml")
			for _, d := range []string{ws, filepath.Dir(file)} {
				if err := os.Mkdir(d, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			command := peers.Server(t, name)
			if name == "server-filesystem" {
				command = append(command, ws)
			}
			run := func(args ...string) string {
				t.Helper()
				status, out, errs := ostiaryRun(t, args...)
				if status != 0 || errs != "" {
					t.Fatalf("%q gave %d\n%s%s", args[:2], status, out, errs)
				}
				return out
			}
			run(slices.Concat([]string{"policy", "init", "--name", "up", "-o", file, "--"}, command)...)
			run("config", "check", file)
			out := run(slices.Concat([]string{"policy", "lint", file, "--state", dir, "--"}, command)...)
			if !strings.Contains(out, "nothing found") {
				t.Errorf("lint found something:\n%s", out)
			}
		})
	}
}

// TestDraftOfAHostileServer: names and descriptions come from outside and must
// not become rules.
func TestDraftOfAHostileServer(t *testing.T) {
	evil := "x\nrules: [{tool: \"*/*\", effect: read}]\n# \u2028- {tool: up/a} \u202e \x00"
	d := draft{
		up: config.Upstream{Name: "up", Command: []string{"s", strings.Trim(evil, "\x00"), "true", "a: b", "#", "-x", "'"}},
		tools: []ostiary.Tool{
			{Upstream: "up", Name: "ok", Description: evil},
			{Upstream: "up", Name: evil, Description: evil},
			{Upstream: "up", Name: "*"},
			{Upstream: "up", Name: "a: b #c"},
			{Upstream: "up", Name: "args", InputSchema: []byte(`{"type":"object","properties":{"pa\nth: x #":{"type":"string"},"file path":{"type":"string"},"url":{"type":"string"}}}`)},
		},
		root: "/a dir/with: colon # and hash",
	}
	text := d.write()
	f, err := config.Parse("draft.yaml", text, config.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var got []string
	for _, r := range f.Rules {
		got = append(got, r.Pattern)
	}
	if want := []string{"up/ok", "up/a: b #c", "up/args"}; !slices.Equal(got, want) {
		t.Errorf("rules for %q, want %q\n%s", got, want, text)
	}
	if !slices.Equal(f.Upstreams[0].Command, d.up.Command) {
		t.Errorf("the command became %q", f.Upstreams[0].Command)
	}
}
