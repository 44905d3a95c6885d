package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	show "github.com/ostiary/ostiary/internal/visible"
)

// openLog opens a real log that redacts nothing.
func openLog(t *testing.T, dir string) *audit.Log {
	t.Helper()
	l, err := audit.Open(audit.Options{
		Dir: dir, Version: "test", Logger: slog.New(slog.DiscardHandler),
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// record writes an intent and an outcome.
func record(t *testing.T, l *audit.Log, c *ostiary.Call, d ostiary.Decision, text string) {
	t.Helper()
	c.Class, c.Method, c.Received = ostiary.ClassTool, "tools/call", time.Now()
	e, err := l.Begin(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Intent(d); err != nil {
		t.Fatal(err)
	}
	out := ostiary.Outcome{Decision: d, Status: ostiary.StatusOK, Result: &ostiary.Result{Text: text}}
	if err := e.End(out); err != nil {
		t.Fatal(err)
	}
}

// hostile is what a terminal obeys or hides: colours, a new title, a cleared
// line, C1 codes, text turned around, nothing visible, lines of its own.
const hostile = "\x1b[2K\x1b[31mred\x1b]0;title\x07\r\nfaked line\t\u009b31m\u202eabc\u202c\u2066x\u2069\u200b\u2028\u00ad\ufeff\U000e0041\u3164\x7f\x08"

// raw returns the first rune that would act on a terminal; "" if there is none.
func raw(out string) string {
	for _, r := range out {
		if r != '\n' && !show.Plain(r) {
			return string(r)
		}
	}
	return ""
}

func TestHostileTextStaysText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openLog(t, dir)
	args, err := json.Marshal(map[string]string{hostile: hostile})
	if err != nil {
		t.Fatal(err)
	}
	// encoding/json leaves most of it as it is, as peers do.
	call := &ostiary.Call{
		ID: "0badcall", Principal: ostiary.Principal{ID: hostile, Client: hostile}, Session: hostile,
		Upstream: "up" + hostile, Target: "t" + hostile, Arguments: args, Digest: ostiary.Digest{1},
		Rule: &ostiary.Rule{Pattern: hostile, Source: hostile},
	}
	d := ostiary.Decision{Verdict: ostiary.Allow, Code: ostiary.Code(hostile), Stage: hostile, Reason: hostile, Message: hostile, Would: "x", WouldReason: hostile}
	record(t, l, call, d, hostile)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	// The positive control: without the guard it would reach the terminal.
	found, err := audit.Show(t.Context(), dir, "0badcall")
	if err != nil || len(found) != 2 || raw(found[0].Record.Target) == "" || raw(string(found[0].Body)) == "" {
		t.Fatalf("the log has %d records, %v: nothing hostile to show", len(found), err)
	}

	for _, args := range [][]string{
		{"tail"}, {"tail", "--json"}, {"query"}, {"query", "--json"}, {"show", "0bad"}, {"show", "--json", "0bad"},
		{"verify"}, {"verify", "--json"}, {"show", hostile}, {"query", "--since", hostile}, {"query", "--code", hostile},
		{"query", "--tool", "t" + hostile + "x"}, {"verify", "--checkpoint", hostile},
	} {
		var out, errs bytes.Buffer
		program{args: append([]string{"audit"}, append(args, "--state", dir)...), out: &out, err: &errs}.run()
		if out.Len()+errs.Len() == 0 {
			t.Errorf("audit %q says nothing", args[0])
		}
		for _, text := range []string{out.String(), errs.String()} {
			if r := raw(text); r != "" || !utf8.ValidString(text) {
				t.Errorf("audit %q lets %+q through: %q", args, r, text)
			}
			if strings.Contains(text, "\nfaked line") {
				t.Errorf("audit %q lets a line of the log be a line of its own", args)
			}
		}
		if args[len(args)-1] == "--json" && args[0] != "verify" {
			var one struct {
				Record audit.Record
				Body   audit.Body
			}
			line := strings.Split(out.String(), "\n")[0]
			if args[0] == "tail" {
				line = strings.Split(out.String(), "\n")[1] // behind the record that opens the log
			}
			if args[0] == "query" {
				line = strings.Split(out.String(), "\n")[1]
			}
			if err := json.Unmarshal([]byte(line), &one); err != nil || one.Record.Target != "t"+hostile {
				t.Errorf("audit %q: JSON does not say what the log says: %q, %v", args, one.Record.Target, err)
			}
		}
	}

	// With colour only the colours are ours.
	s := style{color: true, zone: time.UTC}
	var line bytes.Buffer
	if err := s.writeRow(&line, s.row(&found[0].Record), verdictColours(&found[0].Record), narrowest); err != nil {
		t.Fatal(err)
	}
	plainLine := strings.NewReplacer("\x1b[32m", "", "\x1b[0m", "").Replace(line.String())
	if r := raw(plainLine); r != "" || !strings.Contains(line.String(), "\x1b[32mallow\x1b[0m") {
		t.Errorf("a coloured line has %+q in it: %q", r, line.String())
	}
}

// TestHostileLogStaysText changes the log itself, as somebody with a shell could.
func TestHostileLogStaysText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openLog(t, dir)
	record(t, l, &ostiary.Call{ID: "a", Upstream: "u", Target: "t"}, ostiary.Allowed(), "")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "audit", "*", "00000000.jsonl"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte(`"n":1,`), []byte("\"n\":\x1b[31m\xff\u202e,"), 1)
	if err := os.WriteFile(segments[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--json=false", "--json"} {
		var out, errs bytes.Buffer
		if code := (program{args: []string{"audit", "verify", "--state", dir, flag}, out: &out, err: &errs}).run(); code != failed {
			t.Errorf("exit status %d", code)
		}
		if text := out.String() + errs.String(); raw(text) != "" || !utf8.ValidString(text) {
			t.Errorf("got %q", text)
		} else if !strings.Contains(text, "stands where record 1 was expected") {
			t.Errorf("the place is not named: %s", text)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"plain, ünïcode 漢字 🙂 \\n": "plain, ünïcode 漢字 🙂 \\n",
		"a\nb\tc":                 `a\nb\tc`,
		"\x1b[31m":                `\u{1b}[31m`,
		"\u202e\U000e0041":        `\u{202e}\u{e0041}`,
		"a\xffb":                  `a\x{ff}b`,
		"\u00a0":                  `\u{a0}`,
		"\ufffd":                  "\ufffd",
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEscapeJSON(t *testing.T) {
	in := "{\t\"a\u202e\U000e0041\":\r\"\x7f\xff\u009b\"}\n"
	want := `{ "a\u202e\udb40\udc41": "\u007f\ufffd\u009b"}` + "\n"
	if got := string(escapeJSON([]byte(in))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTailFollowsNewLogs reads what a second log writes after following began.
func TestTailFollowsNewLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	record(t, openLog(t, dir), &ostiary.Call{ID: "first", Upstream: "u", Target: "t"}, ostiary.Allowed(), "")
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		c := auditTailCommand{stateFlag: stateFlag{State: dir}, Follow: true, N: 1}
		err := c.Run(ctx, program{out: w, err: io.Discard})
		w.Close()
		done <- err
	}()
	seen := make([]byte, 4096)
	n, err := r.Read(seen) // it has begun
	if err != nil || !strings.Contains(string(seen[:n]), "first") {
		t.Fatalf("%q, %v", seen[:n], err)
	}
	record(t, openLog(t, dir), &ostiary.Call{ID: "second", Upstream: "u", Target: "t"}, ostiary.Allowed(), "")
	var all strings.Builder
	for !strings.Contains(all.String(), "second") {
		n, err := r.Read(seen)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(seen[:n])
	}
	stop()
	go io.Copy(io.Discard, r)
	if err := <-done; err != nil {
		t.Errorf("being interrupted is how following ends, and it says %v", err)
	}
}

func TestMoment(t *testing.T) {
	zone := time.FixedZone("", 5*3600+45*60)
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, zone)
	for in, want := range map[string]time.Time{
		"":                          {},
		"1h":                        now.Add(-time.Hour),
		"90m":                       now.Add(-90 * time.Minute),
		"7d":                        now.AddDate(0, 0, -7),
		"2w":                        now.AddDate(0, 0, -14),
		"2026-11-21":                time.Date(2026, 11, 21, 0, 0, 0, 0, zone),
		"2026-11-21T09:30":          time.Date(2026, 11, 21, 9, 30, 0, 0, zone),
		"2026-11-21 09:30:01":       time.Date(2026, 11, 21, 9, 30, 1, 0, zone),
		"2026-11-21T09:30:00Z":      time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC),
		"2026-11-21T09:30:00+01:00": time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC),
	} {
		if got, err := moment("--since", in, now, zone); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"yesterday", "-1h", "0s", "1", "d", "-3d", "99999999d", "2026-13-01", "1969-01-01", "2999-01-01", "2026-11-21T25:00"} {
		if got, err := moment("--since", in, now, zone); err == nil {
			t.Errorf("%q is taken for %v", in, got)
		}
	}
}

// TestPatience hears of work only if it is late.
func TestPatience(t *testing.T) {
	var said bytes.Buffer
	patiently(&said, nil, "wait", func() {})
	if said.Len() > 0 {
		t.Errorf("it was not late, and %q was said", said.String())
	}
	late, release := make(chan time.Time), make(chan struct{})
	go func() { late <- time.Time{}; close(release) }()
	patiently(&said, late, "wait", func() { <-release })
	if said.String() != "wait\n" {
		t.Errorf("it was late, and %q was said", said.String())
	}
}
