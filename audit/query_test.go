package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestQuery(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	now := time.Unix(1800000000, 0)
	l := openTest(t, dir, func(o *Options) { o.Clock = func() time.Time { return now } })
	for i := range 6 {
		now = now.Add(time.Minute) // nobody else uses the clock between two records
		if err := recordAny(l, i); err != nil {
			t.Fatal(err)
		}
	}
	calls := func(f Filter) string {
		t.Helper()
		found, err := Query(context.Background(), dir, f)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, f := range found {
			ids = append(ids, strings.TrimPrefix(f.Record.Call, "call-"))
		}
		return strings.Join(ids, " ")
	}
	tests := []struct {
		name string
		f    Filter
		want string
	}{
		{"principal", Filter{Principal: "alice"}, "0 1 1 2 3 4 4 5"},
		{"nobody", Filter{Principal: "bob"}, ""},
		{"tool", Filter{Tool: "read_*"}, "0 3"},
		{"tool of an upstream", Filter{Tool: "files/write_file"}, "1 1 2 4 4 5"},
		{"tool of another", Filter{Tool: "mail/*"}, ""},
		{"upstream", Filter{Upstream: "files", Limit: 2}, "4 5"},
		{"decision", Filter{Decision: "deny", Call: "call-2"}, "2"},
		{"code", Filter{Code: "policy_scope"}, "2 5"},
		{"session", Filter{Session: "4711@1700000000", Limit: 1}, "5"},
		{"text of a reason", Filter{Text: "alice has"}, "2 5"},
		{"text of a body", Filter{Text: "today.txt", Tool: "read_file"}, "0 3"},
		{"text with quotes", Filter{Text: `" OR *`}, ""},
		{"time", Filter{Since: time.Unix(1800000000+2*60, 0), Until: time.Unix(1800000000+4*60, 0)}, "1 1 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := calls(test.f); got != test.want {
				t.Errorf("calls %q, want %q", got, test.want)
			}
		})
	}
	t.Run("catches up", func(t *testing.T) {
		if err := recordAny(l, 9); err != nil {
			t.Fatal(err)
		}
		if got := calls(Filter{Call: "call-9"}); got != "9" {
			t.Errorf("calls %q", got)
		}
	})
	t.Run("is rebuilt", func(t *testing.T) {
		path := indexPath(filepath.Join(dir, "audit"))
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		for _, damage := range []func() error{
			func() error { return os.Remove(path) },
			func() error { return os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if got := calls(Filter{Code: "policy_scope"}); got != "2 5" {
				t.Errorf("calls %q", got)
			}
		}
	})
	t.Run("show", func(t *testing.T) {
		found, err := Show(context.Background(), dir, "call-4")
		if err != nil || len(found) != 2 || found[0].Record.Kind != KindIntent || found[1].Record.Kind != KindOutcome {
			t.Fatalf("found %v, %v", found, err)
		}
		if !strings.Contains(string(found[0].Body), "today.txt") || !strings.Contains(string(found[1].Body), `"text":"no"`) {
			t.Errorf("bodies %s %s", found[0].Body, found[1].Body)
		}
	})
	if _, err := Query(context.Background(), filepath.Join(dir, "no"), Filter{}); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestTailFollowsAllLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	a := openTest(t, dir, nil)
	fill(t, a, 6)
	ctx, cancel := context.WithCancel(context.Background())
	tick := make(chan time.Time)
	shown := make(chan Found, 100)
	done := make(chan error)
	go func() {
		done <- Tail(ctx, dir, TailOptions{Last: 2, Follow: true, Tick: tick}, func(f Found) error { shown <- f; return nil })
	}()
	var got []string
	next := func(n int) {
		for range n {
			f := <-shown
			got = append(got, f.Record.Kind+" "+f.Record.Call)
		}
	}
	next(2)
	got = got[:0]
	if err := recordAny(a, 12); err != nil {
		t.Fatal(err)
	}
	tick <- time.Time{}
	next(1)
	b := openTest(t, dir, nil)
	if err := recordAny(b, 14); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	tick <- time.Time{}
	next(3)
	want := []string{"outcome call-12", "open ", "refusal call-14", "close "}
	if !slices.Equal(got, want) {
		t.Errorf("shown %q, want %q", got, want)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
