package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/peers"
)

var update = flag.Bool("update", false, "write docs/reference/default-differences.md")

// intended says why the defaults refuse, by the code of the refusal.
var intended = map[ostiary.Code]string{
	ostiary.CodeApprovalPending: "the tool does not say that it only reads, and no rule lets it pass",
	ostiary.CodePolicyMethod:    "no rule lets the method pass",
}

// impatient are the defaults, but that the door waits for no person and lets more
// requests wait than these tests make.
const impatient = "approvals: {wait: 0s, notify: none, pending: 1000}\n"

const differencesHead = `# What differs under the defaults

Four public MCP servers, each asked the same twice: by itself, and behind ` + "`ostiary run`" + ` with the defaults (but that nobody is waited for). Every
tool of every server is called at least once; the rest are lists, resources, prompts, completion and the handshake. Text from outside is marked
(` + "`_meta` with `ostiary/untrusted`" + `, and a fence around each text); with the mark taken away, what is not in these tables came out identical to the byte, but for what is random by nature
(times of files and of resources made on request, ids and times of tasks). Under ` + "`testdata/transparent.yaml`" + ` nothing differs
but requests that do not fit what the server itself lists.

The tables are written by ` + "`go test ./internal/e2e -run TestDefaultDifferences -update`" + ` and checked by the same test without
` + "`-update`" + `: a difference that is not listed fails it, and so does one that nobody can explain.
`

// TestDefaultDifferences compares what a client gets behind a door without any
// configuration with what it gets from the server itself, and the differences
// with the published list.
func TestDefaultDifferences(t *testing.T) {
	all := subjects()
	tables := make([]string, len(all))
	t.Run("servers", func(t *testing.T) {
		for i, s := range all {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				tables[i] = s.differences(t)
			})
		}
	})
	if t.Failed() || slices.Contains(tables, "") {
		return // said already, or the servers are not there
	}
	page := filepath.Join(peers.Root(t), "docs", "reference", "default-differences.md")
	got := differencesHead + strings.Join(tables, "")
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("docs/reference/default-differences.md does not say what differs; look at it, then run the test with -update:\n%s", diffLines(string(want), got))
	}
}

// differences is the table of one server.
func (s subject) differences(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "workspace")
	server := s.argv(t, dir)
	env := environ("EXAMPLE_TOKEN=t0p")
	direct := s.converse(t, dir, server, env)
	through := s.converse(t, dir, door(stateDir(t), s.name, policy(t, impatient), server), env)

	var rows strings.Builder
	same, marked := 0, 0
	row := func(what, d, g, why string) {
		if why == "" {
			t.Errorf("%s differs, and nobody says why:\ndirect  %s\nthrough %s", what, d, g)
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", what, cell(d), cell(g), why)
	}
	if through.handshake = unmarked(through.handshake); direct.handshake != through.handshake {
		row("`initialize`", direct.handshake, through.handshake, "")
	}
	for i, st := range s.steps(dir) {
		d, g := st.plain(direct.replies[i]), st.plain(through.replies[i])
		d, g = strings.ReplaceAll(d, dir, "WORKSPACE"), strings.ReplaceAll(g, dir, "WORKSPACE")
		if d == g {
			same++
			continue
		}
		if g = unmarked(g); d == g {
			marked++
			continue
		}
		code, why := refusal(g), st.why
		if why == "" {
			why = intended[code]
		}
		said, heard := outcome(d), fmt.Sprintf("refused: `%s`", code)
		if code == "" {
			said, heard = excerpts(d, g)
		}
		row(st.label(dir), said, heard, why)
	}
	if !slices.Equal(direct.asks, through.asks) {
		// Only what tools asked that were called behind the door too can differ.
		for _, ask := range through.asks {
			if !slices.Contains(direct.asks, ask) {
				row("a question of the server", "", ask, "")
			}
		}
	}
	return fmt.Sprintf("\n## %s\n\nOf %d requests %d came out identical and %d identical but for the mark.\n\n| request | direct | through the door | why |\n|---|---|---|---|\n%s",
		s.name, len(s.steps(dir)), same, marked, &rows)
}

// label names a request in a table.
func (st step) label(dir string) string {
	var p struct {
		Name      string
		Arguments json.RawMessage
	}
	if json.Unmarshal([]byte(st.params), &p) != nil || p.Name == "" {
		return "`" + st.method + "`"
	}
	return fmt.Sprintf("`%s` `%s`", p.Name, cut(strings.ReplaceAll(string(p.Arguments), dir, "WORKSPACE"), 60))
}

// refusal is the code of the door's refusal; empty if the reply is none.
func refusal(reply string) ostiary.Code {
	type decision struct {
		Code ostiary.Code `json:"code"`
	}
	var m struct {
		Result struct {
			Meta struct {
				Decision decision `json:"ostiary/decision"`
			} `json:"_meta"`
		} `json:"result"`
		Error struct {
			Data decision `json:"data"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(reply), &m) != nil {
		return ""
	}
	if c := m.Result.Meta.Decision.Code; c != "" {
		return c
	}
	return m.Error.Data.Code
}

// outcome says how the server itself answered.
func outcome(reply string) string {
	var m struct {
		Result struct {
			IsError bool
			Content []struct{ Text string }
		}
		Error *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal([]byte(reply), &m); err != nil {
		return err.Error()
	}
	switch {
	case m.Error != nil:
		return fmt.Sprintf("error %d: %s", m.Error.Code, m.Error.Message)
	case m.Result.IsError && len(m.Result.Content) > 0:
		return "tool error: " + m.Result.Content[0].Text
	}
	return "done"
}

// excerpts are the parts in which two replies differ.
func excerpts(a, b string) (string, string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	j := 0
	for j < min(len(a), len(b))-i && a[len(a)-1-j] == b[len(b)-1-j] {
		j++
	}
	part := func(s string) string {
		if s = s[i : len(s)-j]; s == "" {
			return "nothing there"
		}
		return "`" + cut(s, 70) + "`"
	}
	return part(a), part(b)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// cell makes a text fit for a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(cut(s, 120))
}

// diffLines are the lines of one text that the other does not have.
func diffLines(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range w {
		if !slices.Contains(g, l) {
			b.WriteString("- " + l + "\n")
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			b.WriteString("+ " + l + "\n")
		}
	}
	return b.String()
}
