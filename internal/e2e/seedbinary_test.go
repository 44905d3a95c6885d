package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// program runs the built command line as a process of its own, on a state
// directory, and returns its standard output.
func program(t *testing.T, state string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ostiary"), append(args, "--state", state)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ostiary %q: %v\n%s", args, err, &stderr)
	}
	return string(out)
}

// agent is a raw client before a running door of the built program, which keeps
// every word that it was told.
type agent struct {
	*talk
	*shelf
	t     *testing.T
	state string
	next  int
	heard strings.Builder
}

func newAgent(t *testing.T, rules string) *agent {
	t.Helper()
	a := &agent{t: t, shelf: newShelf(t, "a.txt", "b.txt", "c.txt"), state: stateDir(t)}
	a.talk = start(t, door(a.state, "files", policy(t, "approvals: {wait: 0s, notify: none}\nrules:\n"+rules), a.server()), nil)
	a.hello(`{}`)
	return a
}

// say calls a tool with these params, and returns the code of the refusal, "" if there
// is none, and the text.
func (a *agent) say(params string) (code ostiary.Code, text string) {
	a.t.Helper()
	a.next++
	reply := a.call(a.next, "tools/call", params)
	a.heard.WriteString(reply + "\n")
	var r struct {
		Result struct {
			Content []struct{ Text string }
			Meta    map[string]struct{ Code ostiary.Code } `json:"_meta"`
		}
		Error struct{ Message string }
	}
	if err := json.Unmarshal([]byte(reply), &r); err != nil || len(r.Result.Content) == 0 {
		a.t.Fatalf("%s\ngave %s (%v); standard error:\n%s", params, reply, err, a.err)
	}
	return r.Result.Meta["ostiary/decision"].Code, unfenced(r.Result.Content[0].Text)
}

func (a *agent) want(code ostiary.Code, params string) {
	a.t.Helper()
	if got, text := a.say(params); got != code {
		a.t.Fatalf("%s\ngave %q, want %q: %s", params, got, code, text)
	}
}

const removeA = `{"name":"delete","arguments":{"path":"a.txt"}}`

// TestSeedTheCommandThatTheAgentIsToldWorks runs, in another process, the very
// command that the refusal names. The door that runs lets the call pass then,
// and no call that was not granted.
func TestSeedTheCommandThatTheAgentIsToldWorks(t *testing.T) {
	t.Parallel()
	a := newAgent(t, destructive+"  - {tool: files/purge, effect: destructive}\n")
	other := strings.Replace(removeA, "delete", "purge", 1)
	a.want(ostiary.CodeApprovalPending, other)
	code, text := a.say(removeA)
	m := regexp.MustCompile("`ostiary (grant create [^`]*)…`").FindStringSubmatch(text)
	if code != ostiary.CodeApprovalPending || m == nil {
		t.Fatalf("%s: %s", code, text)
	}
	a.ran()
	shell := exec.CommandContext(t.Context(), "sh", "-c", filepath.Join(bin, "ostiary")+" "+m[1]+"tidying --uses 1 --state "+a.state)
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", m[1], err, out)
	}
	a.want(ostiary.CodeApprovalPending, other)
	a.ran()
	a.want("", removeA)
	a.ran("a.txt")
	a.want(ostiary.CodeApprovalPending, removeA) // its one use is gone
	a.ran("a.txt")
	if err := a.bye(); err != nil {
		t.Error(err, a.err)
	}
	sound(t, a.state, 2)
}

// given is a grant with a token, as the command prints it.
type given struct{ ID, Secret, Digest string }

func (a *agent) give(args ...string) (g given) {
	a.t.Helper()
	out := program(a.t, a.state, append([]string{"grant", "create", "--tool", "files/delete", "--reason", "tidying", "--token", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &g); err != nil || !strings.HasPrefix(g.Secret, "ost_cap_") || len(g.Digest) < 8 {
		a.t.Fatalf("%v: a grant without a token", err)
	}
	return g
}

// TestSeedATokenIsForItsOwnerAndNeverForwarded presents tokens in both places:
// the server sees none, those of others and those that are used up do not help,
// and no file, log or answer holds one.
func TestSeedATokenIsForItsOwnerAndNeverForwarded(t *testing.T) {
	t.Parallel()
	a := newAgent(t, "  - {tool: files/delete, effect: destructive, token: {argument: capability}}\n")
	a.want(ostiary.CodeApprovalPending, removeA)
	me, session := a.self()

	mine := a.give("--principal", me, "--uses", "2")
	here := a.give("--principal", me, "--session", session)
	others := a.give("--principal", "somebody-else")
	elsewhere := a.give("--principal", me, "--session", "pid:1@1")
	broken := given{Secret: mine.Secret[:len(mine.Secret)-1] + "_"}
	if broken.Secret == mine.Secret {
		broken.Secret = mine.Secret[:len(mine.Secret)-1] + "-"
	}

	argument := func(path string, g given) string {
		return fmt.Sprintf(`{"name":"delete","arguments":{"capability":%q,"path":%q}}`, g.Secret, path)
	}
	meta := func(path string, g given) string {
		return fmt.Sprintf(`{"name":"delete","arguments":{"path":%q},"_meta":{"ostiary/grant":%q,"trace":"kept"}}`, path, g.Secret)
	}
	a.want(ostiary.CodeApprovalPending, removeA) // who presents none has none
	a.want(ostiary.CodeGrantUnknown, argument("a.txt", others))
	a.want(ostiary.CodeGrantUnknown, meta("a.txt", elsewhere))
	a.want(ostiary.CodeGrantUnknown, argument("a.txt", broken))
	a.want(ostiary.CodeValidateSchema, strings.Replace(argument("", mine), `""`, `7`, 1))                             // takes no use
	a.want(ostiary.CodeGrantMisplaced, `{"name":"purge","arguments":{"path":"a.txt","note":"with `+here.Secret+`"}}`) // nobody knows it there
	a.ran()
	a.want("", argument("a.txt", mine))
	a.want("", meta("b.txt", mine))
	a.ran("a.txt", "b.txt")
	a.want(ostiary.CodeGrantUsed, argument("c.txt", mine))
	a.want(ostiary.CodeGrantUsed, meta("c.txt", mine))
	a.ran("a.txt", "b.txt")
	a.want("", meta("c.txt", here)) // the control of the session
	a.ran("a.txt", "b.txt", "c.txt")

	all := a.calls()
	for i, path := range []string{"a.txt", "b.txt", "c.txt"} {
		if got, want := string(all[i].Arguments), `{"path":"`+path+`"}`; got != want {
			t.Errorf("the server got %s, want %s", got, want)
		}
	}
	if _, there := all[1].Meta["ostiary/grant"]; there || all[1].Meta["trace"] != "kept" {
		t.Errorf("the server got _meta %v", all[1].Meta)
	}
	program(t, a.state, "audit", "query") // brings the index up to date
	a.nowhere(mine, here, others, elsewhere, broken)
	if err := a.bye(); err != nil {
		t.Error(err, a.err)
	}
	a.nowhere(mine, here, others, elsewhere, broken)
	sound(t, a.state, 5)
}

// self is the principal and the session of the door, as its records name them.
func (a *agent) self() (principal, session string) {
	a.t.Helper()
	found, err := audit.Query(a.t.Context(), a.state, audit.Filter{Code: string(ostiary.CodeApprovalPending)})
	if err != nil || len(found) == 0 || found[0].Record.Session == "" {
		a.t.Fatalf("%v: %+v", err, found)
	}
	return found[0].Record.Principal, found[0].Record.Session
}

// nowhere checks that no part of a token is in a file of the state directory, in
// what the agent was told, in what the server got or on standard error. The
// control: the short digest, which is no secret, is found in the evidence.
func (a *agent) nowhere(tokens ...given) {
	a.t.Helper()
	texts := map[string]string{"standard error": a.err.String(), "the answers": a.heard.String()}
	for _, root := range []string{a.state, filepath.Dir(a.seen)} {
		if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			texts[path] = string(b)
			return err
		}); err != nil {
			a.t.Fatal(err)
		}
	}
	for _, g := range tokens {
		body := strings.TrimPrefix(g.Secret, "ost_cap_")
		digests := 0
		for where, text := range texts {
			for _, part := range []string{g.Secret, body, body[:20], body[20:]} {
				if strings.Contains(text, part) {
					a.t.Errorf("%s holds the token of grant %q", where, g.ID)
				}
			}
			if g.Digest != "" && strings.Contains(text, g.Digest) {
				digests++
			}
		}
		if g.Digest != "" && digests < 2 { // the log and the store
			a.t.Errorf("control: the digest of grant %s is in %d places", g.ID, digests)
		}
	}
}
