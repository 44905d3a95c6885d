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

// TestDraftsProposeWhatAPersonSees: with every proposal taken, the draft is a policy
// that compiles against the server's tools.
func TestDraftsProposeWhatAPersonSees(t *testing.T) {
	schema := func(properties string) []byte {
		return []byte(`{"type": "object", "properties": {` + properties + `}}`)
	}
	const path, content = `"path": {"type": "string"}`, `"content": {"type": "string"}`
	unsure := string(draft{up: config.Upstream{Name: "up", Command: []string{"s"}}, tools: []ostiary.Tool{
		{Upstream: "up", Name: "delete_file", InputSchema: schema(path)}}}.write())
	if !strings.Contains(unsure, "\n    # preview: {delete: {path: path}} #") {
		t.Errorf("a server with unknown files:\n%s", unsure)
	}
	for _, c := range []struct {
		name, properties string
		line             string // "" is that nothing is proposed
		working          bool
	}{
		{"delete_branch", `"name": {"type": "string"}, "dry_run": {"type": "boolean"}`, "dry_run: {argument: dry_run}", false},
		{"delete_branch", `"dryRun": {"type": "boolean"}`, "dry_run: {argument: dryRun}", false},
		{"delete_branch", `"preview": {"type": "boolean"}`, "dry_run: {argument: preview}", false},
		{"delete_branch", `"dry_run": {"type": "string"}`, "", false},
		{"delete_branch", `"preview_url": {"type": "boolean"}`, "", false},
		{"delete_branch", `"confirm": {"type": "boolean"}`, "confirm: {argument: [confirm]}", false},
		{"delete_branch", `"confirm": {"type": "integer"}`, "", false},
		{"delete_branch", `"dry_run: {}\n    rules": {"type": "boolean"}`, "", false},
		{"get_state", path, "", false},
		{"write_file", path + ", " + content, "preview: {write: {path: path, content: content}}", true},
		{"writeFile", path + ", " + content, "preview: {write: {path: path, content: content}}", true},
		{"append_file", path + ", " + content, "", false},
		{"write_file", path, "", false},
		{"delete_file", path, "preview: {delete: {path: path}}", true},
		{"delete_file", path + `, "dry_run": {"type": "boolean"}`, "dry_run: {argument: dry_run}", false},
		{"delete_file", path + `, "target_path": {"type": "string"}`, "", false},
	} {
		yes := true
		tool := ostiary.Tool{Upstream: "up", Name: c.name, InputSchema: schema(c.properties)}
		if strings.HasPrefix(c.name, "get") {
			tool.Annotations.ReadOnly = &yes
		}
		text := string(draft{up: config.Upstream{Name: "up", Command: []string{"s"}}, tools: []ostiary.Tool{tool}, root: t.TempDir()}.write())
		if strings.Contains(text, "unapproved") {
			t.Errorf("the draft advises to ask nobody:\n%s", text)
		}
		var got []string
		for line := range strings.Lines(text) {
			bare := strings.TrimPrefix(strings.TrimSpace(line), "# ")
			for _, key := range []string{"dry_run: ", "confirm: ", "preview: "} {
				if strings.HasPrefix(bare, key) {
					proposal, _, _ := strings.Cut(bare, " # ")
					if bare != strings.TrimSpace(line) {
						proposal = "# " + proposal
					}
					got = append(got, proposal)
				}
			}
		}
		var want []string
		switch {
		case c.working:
			want = []string{c.line}
		case c.line != "":
			want = []string{"# " + c.line}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s with %s: proposed %q, want %q\n%s", c.name, c.properties, got, want, text)
		}
		taken := text
		for _, key := range []string{"dry_run", "confirm", "preview", "grant"} {
			taken = strings.ReplaceAll(taken, "\n    # "+key+": ", "\n    "+key+": ")
		}
		f, err := config.Parse("draft.yaml", []byte(taken), config.Options{})
		if err != nil {
			t.Errorf("%v\n%s", err, taken)
			continue
		}
		rules, err := f.NewPolicy(config.Wiring{Home: "/", WorkingDir: func(string) string { return "/" }}, nil)
		if err != nil {
			t.Errorf("%v\n%s", err, taken)
			continue
		}
		if _, problems := rules.Compile("up", []ostiary.Tool{tool}); len(problems) > 0 {
			t.Errorf("%v\n%s", problems, taken)
		}
	}
}
