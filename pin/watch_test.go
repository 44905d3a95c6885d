package pin

import (
	"testing"
	"time"
)

// sleeps reports whether no timer will ask the store.
func (h *house) sleeps() bool {
	w := &h.pins.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.armed
}

// TestAnAcceptanceIsHeard of another process, by who watches that server, while nothing
// is asked of this one. Where nothing waits, or nobody watches, nothing asks the store.
func TestAnAcceptanceIsHeard(t *testing.T) {
	dir := t.TempDir()
	h, there := houseOver(t, openStore(t, dir), nil), houseOver(t, openStore(t, dir), nil)
	h.see("files", files, readTool)
	h.see("notes", files, readTool)
	heard, other, gone := make(chan string, 9), make(chan string, 9), make(chan string, 9)
	hear := func(to chan string) func() { return func() { to <- "heard" } }
	defer h.pins.Watch("files", hear(heard))()
	defer h.pins.Watch("notes", hear(other))()
	stop := h.pins.Watch("files", hear(gone))
	h.allowed("files", files, readTool)
	if !h.sleeps() {
		t.Error("the store is asked, and nothing waits")
	}
	for i, text := range []string{"other", "and another"} {
		changed := tool("read", text, "")
		h.see("files", files, changed)
		if h.sleeps() {
			t.Fatal("something waits, and nothing asks the store")
		}
		if i == 1 {
			stop()
		}
		if _, err := there.desk.Accept(t.Context(), Accept{Upstream: "files"}, Who{"olga", "cli"}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody hears of it")
		}
		h.allowed("files", files, changed)
		if !h.sleeps() {
			t.Error("the store is asked, and nothing waits any more")
		}
	}
	if len(heard) != 0 || len(other) != 0 || len(gone) > 1 {
		t.Errorf("heard %d times more, by others %d, by who has gone %d", len(heard), len(other), len(gone))
	}

	h.see("files", files, readTool)
	h.pins.Close()
	if _, err := h.pins.known(t.Context(), h.pins.o.Ticks()+1); err == nil {
		t.Error("control: who is closed knows")
	}
	h.pins.watch()
	if !h.sleeps() {
		t.Error("who is closed asks the store")
	}
}
