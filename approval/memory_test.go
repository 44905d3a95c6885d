package approval

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

func reads(upstream, tool, session, id string) *ostiary.Call {
	return &ostiary.Call{ID: id, Principal: ostiary.Principal{ID: "alice"}, Session: session, Upstream: upstream,
		Method: "tools/call", Class: ostiary.ClassTool, Target: tool}
}

func finding(stages ...string) *ostiary.Result {
	r := &ostiary.Result{}
	for _, s := range stages {
		r.Find(ostiary.Finding{Stage: s, Score: 0.9})
	}
	return r
}

// counted counts the writes of a store.
type countedStore struct {
	ostiary.Store
	writes atomic.Int64
}

func (c *countedStore) Update(ctx context.Context, f func(ostiary.Tx) error) error {
	c.writes.Add(1)
	return c.Store.Update(ctx, f)
}

// What one door's session has read is on the card of another door of the same session,
// and of no other.
func TestMemory(t *testing.T) {
	dir := t.TempDir() + "/state"
	begin := time.Unix(1_800_000_000, 0)
	open := func() *countedStore {
		s, err := store.Open(store.Options{Dir: dir, Clock: func() time.Time { return begin }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return &countedStore{Store: s}
	}
	now := begin
	clock := func() time.Time { return now }
	s := open()
	web := NewMemory(MemoryOptions{Store: s, Clock: clock})
	files := NewMemory(MemoryOptions{Store: open(), Clock: clock})
	ask := reads("files", "delete_file", "17@1", "ask")
	before := func() []string { return files.Before(t.Context(), ask) }
	put := func(c *ostiary.Call, stages ...string) {
		t.Helper()
		if err := web.Apply(t.Context(), c, finding(stages...)); err != nil {
			t.Fatal(err)
		}
	}
	put(reads("web", "fetch", "17@1", "c0"))
	put(reads("web", "fetch", "17@1", "c1"), "redact")
	doubtful := &ostiary.Result{}
	doubtful.Find(ostiary.Finding{Stage: "detect", Score: 0.49})
	if err := web.Apply(t.Context(), reads("web", "fetch", "17@1", "c1"), doubtful); err != nil {
		t.Fatal(err)
	}
	if got := before(); len(got) != 0 || s.writes.Load() != 0 {
		t.Fatalf("got %q without a signal, after %d writes", got, s.writes.Load())
	}
	put(reads("web", "fetch", "17@1", "c2"), "redact", "detect")
	want := []string{"read before: instruction-like text in web/fetch (call c2)"}
	if got := before(); !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
	put(reads("web", "fetch", "18@1", "other"), "detect", "untrusted")
	stranger := reads("web", "fetch", "17@1", "stranger")
	stranger.Principal.ID = "bob"
	put(stranger, "detect")
	if got := before(); !slices.Equal(got, want) {
		t.Errorf("another session is told: %q", got)
	}
	// The same again costs nothing for a minute, then names the later call.
	writes := s.writes.Load()
	put(reads("web", "fetch", "17@1", "c3"), "detect")
	if s.writes.Load() != writes {
		t.Error("a repeated signal was written at once")
	}
	now = now.Add(time.Minute)
	put(reads("web", "fetch", "17@1", "c4"), "detect")
	now = now.Add(time.Second)
	resource := &ostiary.Call{ID: "c5", Principal: ask.Principal, Session: "17@1", Upstream: "docs", Method: "resources/read", Class: ostiary.ClassResource, Target: "x:/y"}
	put(resource, "untrusted", "detect")
	want = []string{
		"read before: instruction-like text and hidden characters in docs resources/read x:/y (call c5)",
		"read before: instruction-like text in web/fetch (call c4)",
	}
	if got := before(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	// A flood stays bounded, on the card and in the store.
	for i := range 50 {
		now = now.Add(time.Second)
		put(reads("web", fmt.Sprint("tool", i), "17@1", fmt.Sprint("d", i)), "untrusted")
	}
	got := before()
	if len(got) != 4 || got[0] != "read before: hidden characters in web/tool49 (call d49)" || got[3] != "read before: the like from 5 more sources" {
		t.Errorf("got %q", got)
	}
	now = now.Add(signalLife)
	if got := before(); len(got) != 0 {
		t.Errorf("a day later: %q", got)
	}
}

// A memory that fails withholds nothing, and the card says that it is missing.
func TestAMemoryThatFails(t *testing.T) {
	s, err := store.Open(store.Options{Dir: t.TempDir() + "/state"})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	var log strings.Builder
	m := NewMemory(MemoryOptions{Store: s, Clock: time.Now, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := m.Apply(t.Context(), reads("web", "fetch", "1", "c"), finding("detect")); err != nil || !strings.Contains(log.String(), "cannot be remembered") {
		t.Error(err, log.String())
	}
	if got := m.Before(t.Context(), reads("web", "fetch", "1", "c")); len(got) != 1 || !strings.HasPrefix(got[0], "what this session has read before cannot be told: ") {
		t.Errorf("got %q", got)
	}
}

// The card of a later call says what was read, in the list too, and hostile names do
// not look like lines of it.
func TestSignalsOnTheCard(t *testing.T) {
	var memory *Memory
	h := newHouse(t, func(o *Options) {
		o.Signals = func(ctx context.Context, c *ostiary.Call) []string {
			return append(memory.Before(ctx, c), "the arguments read like instructions")
		}
	})
	memory = NewMemory(MemoryOptions{Store: h.store, Clock: h.clock})
	read := call("", func(c *ostiary.Call) { c.Upstream, c.Target, c.ID = "web", "fetch\nEffect     read", "c1" })
	if err := memory.Apply(t.Context(), read, finding("detect")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.gate.Settle(t.Context(), call(`{"path":"a"}`), asks()); ostiary.AsError(err).Code != ostiary.CodeApprovalPending {
		t.Fatal(err)
	}
	listed := h.only()
	if len(listed.Warnings) != 2 {
		t.Errorf("the list has %q", listed.Warnings)
	}
	text := Card(h.get(listed.ID))
	for _, want := range []string{`WARNING    read before: instruction-like text in web/fetch\nEffect␣×5read (`, "WARNING    the arguments read like instructions\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\nEffect     read") {
		t.Errorf("a forged line:\n%s", text)
	}
}
