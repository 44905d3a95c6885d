package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
)

// A desk that only reads leaves no log; the first event opens one, in which the
// configured secrets do not stand.
func TestDesk(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy.yaml")
	t.Setenv("OSTIARY_TEST_SECRET", "correct-horse-battery-staple")
	if err := os.WriteFile(policy, []byte("version: 1\nupstreams:\n  u: {command: [echo], env: {TOKEN: \"${env:OSTIARY_TEST_SECRET}\"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, note := range []bool{false, true} {
		d, err := openDesk(t.Context(), program{out: io.Discard, err: io.Discard}, stateFlag{State: state}, policy)
		if err != nil {
			t.Fatal(err)
		}
		peer, err := auth.OSPeer("/proc")
		if err != nil || d.Who.Name != peer.User || d.Who.Channel != "cli" || d.Clock().Before(time.Now().Add(-time.Hour)) {
			t.Errorf("%+v, %v", d.Who, err)
		}
		if note {
			if err := d.Journal.Note(ostiary.Event{Name: "test_noted", Reason: "it is correct-horse-battery-staple"}); err != nil {
				t.Error(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		found, err := audit.Query(t.Context(), state, audit.Filter{Limit: 10, Code: "test_noted"})
		switch {
		case !note && len(found) > 0, note && len(found) != 1:
			t.Errorf("note %v: %d records, %v", note, len(found), err)
		case note && (bytes.Contains(found[0].Line, []byte("battery")) || !bytes.Contains(found[0].Line, []byte("it is "))):
			t.Errorf("%s", found[0].Line)
		}
		if logs, err := filepath.Glob(filepath.Join(state, "audit", "2*")); err != nil || !note && len(logs) > 0 {
			t.Errorf("logs %v, %v", logs, err)
		}
	}
}

func TestDeskWithoutState(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ state, policy, want string }{
		{filepath.Join(dir, "gone\x1b"), "", `gone\u{1b}: start a server behind the door`},
		{file, "", "is not a directory"},
		{open, "", "chmod 700"},
		{dir, filepath.Join(dir, "none.yaml"), "none.yaml"},
	} {
		d, err := openDesk(t.Context(), program{out: io.Discard, err: io.Discard}, stateFlag{State: c.state}, c.policy)
		if err == nil {
			t.Errorf("%s: it opened", c.state)
			d.Close()
		} else if text := ostiary.AsError(err).Message + err.Error(); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s", c.state, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "gone\x1b")); err == nil {
		t.Error("the directory was made")
	}
}
