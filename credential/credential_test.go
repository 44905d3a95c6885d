package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// watch is a clock that stands still.
type watch struct {
	mu sync.Mutex
	t  time.Time
}

func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *watch) forward(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

// bench is what a credential is tested with.
type bench struct {
	watch
	t *testing.T

	learn sync.Mutex
	known []string
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, watch: watch{t: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}}
}

func (b *bench) options() Options {
	return Options{
		Server: "tracker", Header: "authorization", Least: 6, Now: b.now, Env: []string{"PATH=" + os.Getenv("PATH")}, Dir: b.t.TempDir(),
		ReadFile: func(path string) (string, error) {
			raw, err := os.ReadFile(path)
			return strings.TrimRight(string(raw), "\r\n"), err
		},
		Learn: func(_ string, secrets ...string) {
			b.learn.Lock()
			defer b.learn.Unlock()
			b.known = append(b.known, secrets...)
		},
	}
}

func (b *bench) of(parts ...Part) *Credential {
	o := b.options()
	o.Common = &Source{Parts: parts}
	return New(o)
}

func (b *bench) want(c *Credential, who, want string) {
	b.t.Helper()
	h, err := c.Header(b.t.Context(), who)
	if err != nil || h.Get("Authorization") != want {
		b.t.Fatalf("%s gets %q, %v, want %q", who, h, err, want)
	}
	b.learn.Lock()
	defer b.learn.Unlock()
	if !slices.Contains(b.known, want) {
		b.t.Errorf("%q was used and not learned: %q", want, b.known)
	}
}

func (b *bench) refused(c *Credential, who string, code ostiary.Code) *ostiary.Error {
	b.t.Helper()
	h, err := c.Header(b.t.Context(), who)
	if !errors.Is(err, code) || h != nil {
		b.t.Fatalf("%s gets %q, %v, want %s", who, h, err, code)
	}
	return ostiary.AsError(err)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestFileIsReadAgain(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(t.TempDir(), "token")
	c := b.of(Part{Text: "Bearer "}, Part{File: path})
	b.refused(c, "alice", ostiary.CodeCredentialUnavailable)
	write(t, path, "first-token\n")
	b.refused(c, "alice", ostiary.CodeCredentialUnavailable) // not looked at again yet
	b.forward(time.Second)
	b.want(c, "alice", "Bearer first-token")

	// Another text of the same length, in the same inode, with the same time.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte("other-token\n"), 0o600), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	b.want(c, "alice", "Bearer first-token")
	b.forward(time.Second)
	b.want(c, "alice", "Bearer other-token")

	for _, bad := range []string{"", "\n", "short", "two\nlines-of-text"} {
		write(t, path, bad)
		b.forward(time.Second)
		if e := b.refused(c, "alice", ostiary.CodeCredentialUnavailable); strings.Contains(e.Error(), "lines-of-text") {
			t.Errorf("the error tells the text: %v", e)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b.forward(time.Second)
	b.refused(c, "alice", ostiary.CodeCredentialUnavailable) // and not the last one that was there
	write(t, path, "third-token")
	b.forward(time.Second)
	b.want(c, "alice", "Bearer third-token")
	for _, s := range []string{"first-token", "other-token", "third-token"} {
		if !slices.Contains(b.known, s) {
			t.Errorf("%s was not learned by itself", s)
		}
	}
}

// A refused credential is looked for at once, and only another one counts.
func TestFileIsRenewed(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "first-token")
	c := b.of(Part{Text: "Bearer "}, Part{File: path})
	b.want(c, "alice", "Bearer first-token")
	refused := http.Header{"Authorization": {"Bearer first-token"}}
	if c.Renew(t.Context(), "alice", refused) {
		t.Error("the same text counts as a new one")
	}
	write(t, path, "second-token")
	if !c.Renew(t.Context(), "alice", refused) {
		t.Error("the new text was not found")
	}
	b.want(c, "alice", "Bearer second-token")
	if b.of(Part{Text: "Bearer fixed-token"}).Renew(t.Context(), "alice", http.Header{"Authorization": {"Bearer fixed-token"}}) {
		t.Error("a fixed text was renewed")
	}
}

func TestPrincipals(t *testing.T) {
	b := newBench(t)
	o := b.options()
	o.Principals = map[string]Source{"alice": {Parts: []Part{{Text: "Bearer of-alice"}}}, "bob": {Parts: []Part{{Text: "Bearer of-bob"}}}}
	c := New(o)
	b.want(c, "alice", "Bearer of-alice")
	b.want(c, "bob", "Bearer of-bob")
	for _, who := range []string{"carol", "", "Alice"} {
		b.refused(c, who, ostiary.CodeCredentialMissing)
	}
	o.Common = &Source{Parts: []Part{{Text: "Bearer of-all"}}}
	c = New(o)
	b.want(c, "alice", "Bearer of-alice")
	b.want(c, "carol", "Bearer of-all")
	if !c.Own("bob") || c.Own("carol") {
		t.Error("who has a credential of his own is mixed up")
	}
}

func TestPasswordOfBasicIsLearned(t *testing.T) {
	b := newBench(t)
	b.want(b.of(Part{Text: "Basic YWxpY2U6b3BlbiBzZXNhbWU="}), "alice", "Basic YWxpY2U6b3BlbiBzZXNhbWU=")
	if !slices.Contains(b.known, "open sesame") || !slices.Contains(b.known, "YWxpY2U6b3BlbiBzZXNhbWU=") {
		t.Errorf("learned %q", b.known)
	}
}

// script is a program that counts how often it ran.
func script(t *testing.T, body string) (path string, runs func() int) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "give")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho run >> "+dir+"/runs\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, func() int {
		raw, err := os.ReadFile(filepath.Join(dir, "runs"))
		if err != nil {
			return 0
		}
		return strings.Count(string(raw), "\n")
	}
}

func TestProgram(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "first-token")
	path, runs := script(t, `[ "$1" = 'a b; $(c)' ] && cat `+file)
	c := b.of(Part{Text: "Bearer "}, Part{Exec: []string{path, "a b; $(c)"}})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if h, err := c.Header(t.Context(), "alice"); err != nil || h.Get("Authorization") != "Bearer first-token" {
				t.Errorf("got %q, %v", h, err)
			}
		})
	}
	all.Wait()
	if n := runs(); n != 1 {
		t.Errorf("it ran %d times for twenty calls at once", n)
	}
	write(t, file, "second-token")
	b.forward(defaultRefresh - time.Second)
	b.want(c, "alice", "Bearer first-token")
	b.forward(time.Second)
	b.want(c, "alice", "Bearer second-token")

	// What the server refuses is looked for at once, but not by every call.
	write(t, file, "third-token")
	refused := http.Header{"Authorization": {"Bearer second-token"}}
	for range 20 {
		all.Go(func() {
			if !c.Renew(t.Context(), "alice", refused) {
				t.Error("no new one was found")
			}
		})
	}
	all.Wait()
	b.want(c, "alice", "Bearer third-token")
	for range 3 {
		if c.Renew(t.Context(), "alice", http.Header{"Authorization": {"Bearer third-token"}}) {
			t.Error("the same output counts as a new one")
		}
	}
	if n := runs(); n != 3 {
		t.Errorf("it ran %d times, want 3", n)
	}

	// A failure refuses, and is not repeated at once.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	b.forward(defaultRefresh)
	b.refused(c, "alice", ostiary.CodeCredentialUnavailable)
	b.refused(c, "alice", ostiary.CodeCredentialUnavailable)
	if n := runs(); n != 4 {
		t.Errorf("it ran %d times, want 4", n)
	}
	write(t, file, "fourth-token")
	b.forward(again)
	b.want(c, "alice", "Bearer fourth-token")
}

func TestProgramIsBounded(t *testing.T) {
	t.Setenv("OSTIARY_SECRET_OF_THE_DOOR", "leaks")
	for name, c := range map[string]struct{ body, want string }{
		"good":            {"echo a-good-token", "a-good-token"},
		"environment":     {"echo token-${OSTIARY_SECRET_OF_THE_DOOR:-none}", "token-none"},
		"standard input":  {"cat; echo token-of-none", "token-of-none"},
		"endless":         {"exec yes", ""},
		"slow":            {"sleep 60", ""},
		"slow child":      {"sleep 60 & wait", ""},
		"status":          {"echo a-token-all-the-same; exit 3", ""},
		"empty":           {"true", ""},
		"standard error":  {"echo not-a-token >&2", ""},
		"two lines":       {"echo one-line; echo two-lines", ""},
		"no text":         {`printf 'token-\377-token'`, ""},
		"an open pipe":    {"sleep 60 & echo a-token", ""},
		"no such program": {"exec /nonexistent", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			path, _ := script(t, c.body)
			all := newText(b.options(), "tracker", []Part{{Exec: []string{path}}}, 0)
			all.parts[0].(*fetched).timeout = 2 * time.Second
			began := time.Now()
			got, err := all.get(t.Context())
			if got != c.want || (c.want == "") != errors.Is(err, ostiary.CodeCredentialUnavailable) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// Who does not wait any longer does not end the run for others.
func TestWhoLeavesEndsNothing(t *testing.T) {
	b := newBench(t)
	release := filepath.Join(t.TempDir(), "go")
	path, _ := script(t, fmt.Sprintf("while [ ! -e %s ]; do sleep 0.05; done; echo late-token", release))
	c := b.of(Part{Exec: []string{path}})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Header(ctx, "alice")
		done <- err
	}()
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("who left gets %v", err)
	}
	write(t, release, "")
	b.want(c, "alice", "late-token")
}
