package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/store"
)

// askPerson is the end of a door where a person is asked, over the real store and
// log of the state directory: it says how the call is settled, and uses the
// approval up.
func askPerson(args []string, out io.Writer) error {
	f := flag.NewFlagSet("ask-person", flag.ContinueOnError)
	var (
		principal = f.String("principal", "alice", "")
		tool      = f.String("tool", "delete_file", "")
		session   = f.String("session", "pid:17@4711", "")
		method    = f.String("method", "tools/call", "")
		arguments = f.String("args", "{}", "")
		why       = f.String("why", "destructive effects ask a person", "")
		channels  = f.String("channels", "", "")
		wait      = f.Duration("wait", time.Millisecond, "")
		expire    = f.Duration("expire", 10*time.Minute, "")
		quoted    = f.Bool("quoted", false, "the texts are Go literals")
	)
	if err := f.Parse(args); err != nil {
		return err
	}
	if *quoted {
		for _, s := range []*string{principal, tool, session, method, arguments, why} {
			if err := json.Unmarshal([]byte(`"`+*s+`"`), s); err != nil {
				return err
			}
		}
	}
	dir, err := stateFlag{}.dir()
	if err != nil {
		return err
	}
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer st.Close()
	log, err := audit.Open(audit.Options{Dir: dir, Redact: func(c *ostiary.Call) []byte { return c.Arguments }, RedactText: func(s string) string { return s }})
	if err != nil {
		return err
	}
	defer log.Close()
	gate, err := approval.New(approval.Options{Store: st, Journal: log, Mask: func(c *ostiary.Call) []byte { return c.Arguments }, Wait: *wait, Expire: *expire})
	if err != nil {
		return err
	}
	defer gate.Close()
	rule := &ostiary.Rule{Pattern: "files/*"}
	if *channels != "" {
		rule.Approve.Channels = strings.Split(*channels, ",")
	}
	d, err := gate.Settle(context.Background(), &ostiary.Call{
		ID: "call-1", Received: time.Now(), Principal: ostiary.Principal{ID: *principal, Client: "/usr/bin/agent"}, Session: *session, Upstream: "files",
		Method: *method, Class: ostiary.ClassTool, Target: *tool, Rule: rule, Effect: ostiary.EffectDestructive,
		Arguments: []byte(*arguments), Digest: sha256.Sum256([]byte(*arguments)),
	}, []ostiary.Decision{{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Stage: "policy", Reason: *why}})
	if err == nil && d.Hold != nil && d.Hold.Commit != nil {
		err = d.Hold.Commit()
	}
	if err != nil {
		_, err = fmt.Fprintln(out, ostiary.AsError(err).Code, ostiary.AsError(err).Message)
		return err
	}
	_, err = fmt.Fprintln(out, d.Verdict, d.Under)
	return err
}

// TestApprovalsWatchTellsEachChange reads the changes of other processes, and ends
// with the context.
func TestApprovalsWatchTellsEachChange(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", home)
	ask := func(args ...string) string {
		out, err := exec.Command("ask-person", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	ask("-tool", "first")
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := (&approvalsWatchCommand{JSON: true}).Run(ctx, program{out: w, err: io.Discard})
		w.Close()
		done <- err
	}()
	changes := json.NewDecoder(r)
	next := func(change, state, target string) string {
		t.Helper()
		var c struct {
			Change  string
			Request struct{ ID, State, Target string }
		}
		if err := changes.Decode(&c); err != nil {
			t.Fatal(err)
		}
		if c.Change != change || c.Request.State != state || c.Request.Target != target {
			t.Errorf("got %+v, want %s %s %s", c, change, state, target)
		}
		return c.Request.ID
	}
	first := next("waits", "pending", "first")
	ask("-tool", "second")
	second := next("waits", "pending", "second")
	for _, id := range []string{first, second} {
		if out, err := exec.Command("ostiary", "deny", id).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	next("ended", "denied", "first")
	next("ended", "denied", "second")
	stop()
	if err := <-done; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// A screen shows hostile names as text, and nothing else moves the cursor.
func TestApprovalsScreen(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if err := os.Mkdir(filepath.Join(os.Getenv("XDG_STATE_HOME"), "ostiary"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := deskFlags{}.requests(t.Context(), program{err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer r.d.Close()
	for _, n := range []int{0, 1, 60} {
		var list []approval.Request
		for range n {
			list = append(list, approval.Request{ID: "7h2k", State: approval.Pending, Principal: hostile, Upstream: hostile, Target: hostile, Effect: hostile, Why: []string{hostile},
				Created: time.Now(), Expires: time.Now().Add(time.Minute)})
		}
		var b bytes.Buffer
		if err := r.draw(program{out: &b}, list); err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(b.String(), "\x1b[H\x1b[2J\x1b[3J")
		if !ok || raw(text) != "" || strings.Count(text, "\n") > shownMost+5 {
			t.Errorf("%d: %q", n, text)
		}
		if n > shownMost && !strings.Contains(text, "and 20 more") {
			t.Errorf("it does not say that there are more: %q", text)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	for in, want := range map[string]string{
		"CONFIRM\n": "CONFIRM", " CONFIRM \r\n": "CONFIRM", "CANCEL": "CANCEL", "": "", "confirm\n": "confirm",
		"no\nCONFIRM\n": "no", strings.Repeat("x", 1000) + "\nCONFIRM\n": strings.Repeat("x", answerMost),
	} {
		if got, err := readAnswer(t.Context(), strings.NewReader(in)); got != want || err != nil {
			t.Errorf("%.20q: %.20q, %v", in, got, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	silent, w := io.Pipe()
	defer w.Close()
	if _, err := readAnswer(ctx, silent); !errors.Is(err, ostiary.CodeApprovalPending) {
		t.Errorf("interrupted: %v", err)
	}
}

// A name with a star is no pattern of a grant.
func TestApproveGrantsOneToolOnly(t *testing.T) {
	minus, negative := -1, "-1s"
	good := approval.Request{ID: "7h2k", Method: "tools/call", Principal: "alice", Session: "s", Upstream: "files", Target: "a/b"}
	for name, c := range map[string]struct {
		change func(*approval.Request)
		cmd    approveCommand
		want   string // the pattern; "" is refused
	}{
		"good":           {func(*approval.Request) {}, approveCommand{Grant: true}, "files/a/b"},
		"a star":         {func(r *approval.Request) { r.Target = "delete_*" }, approveCommand{Grant: true}, ""},
		"a star before":  {func(r *approval.Request) { r.Upstream = "*" }, approveCommand{Grant: true}, ""},
		"a slash before": {func(r *approval.Request) { r.Upstream = "a/b" }, approveCommand{Grant: true}, ""},
		"no session":     {func(r *approval.Request) { r.Session = "" }, approveCommand{Grant: true}, ""},
		"a resource":     {func(r *approval.Request) { r.Method = "resources/read" }, approveCommand{Grant: true}, ""},
		"negative uses":  {func(*approval.Request) {}, approveCommand{Grant: true, amountFlags: amountFlags{Uses: &minus}}, ""},
		"negative life":  {func(*approval.Request) {}, approveCommand{Grant: true, amountFlags: amountFlags{For: &negative}}, ""},
	} {
		r := good
		c.change(&r)
		terms, err := c.cmd.terms(&r)
		switch {
		case c.want == "":
			if err == nil {
				t.Errorf("%s: %+v", name, terms)
			}
		case err != nil || terms.Pattern != c.want || terms.Principal != "alice" || terms.Session != "s":
			t.Errorf("%s: %+v, %v", name, terms, err)
		}
	}
	if terms, err := (&approveCommand{}).terms(&good); terms != nil || err != nil {
		t.Errorf("without --grant: %+v, %v", terms, err)
	}
}

func TestDenyReason(t *testing.T) {
	for _, reason := range []string{"\xff", strings.Repeat("x", reasonMost+1)} {
		if err := (&denyCommand{ID: "7h2k", Reason: reason}).Run(t.Context(), program{}); err == nil || !strings.Contains(err.Error(), "--reason is UTF-8 text") {
			t.Errorf("%.10q: %v", reason, err)
		}
	}
}
