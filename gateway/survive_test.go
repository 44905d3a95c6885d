package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// fault is a part that fails once when it is armed.
type fault struct{ armed atomic.Bool }

func (f *fault) strike() {
	if f.armed.CompareAndSwap(true, false) {
		panic("a part of the door is broken")
	}
}

func (f *fault) now() time.Time {
	f.strike()
	return time.Now()
}

func (f *fault) Note(ostiary.Event) error {
	f.strike()
	return nil
}

func (f *fault) Read(b []byte) (int, error) {
	f.strike()
	for i := range b {
		b[i] = byte(time.Now().UnixNano() >> (i % 8))
	}
	return len(b), nil
}

// faultyLog fails at one message.
type faultyLog struct {
	slog.Handler
	*fault
	at string
}

func (l faultyLog) Enabled(context.Context, slog.Level) bool { return true }
func (l faultyLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == l.at {
		l.strike()
	}
	return l.Handler.Handle(ctx, r)
}

// TestAPanicOfTheDoorEndsTheDoorAlone: whichever goroutine fails, the process goes
// on, what is open gets an error, and the log says it.
func TestAPanicOfTheDoorEndsTheDoorAlone(t *testing.T) {
	ask := `{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}`
	for _, c := range []struct {
		name   string
		fault  func(*fault, *Options)
		strike func(*fault, *bench, *scripted)
	}{
		{"catalog", func(f *fault, o *Options) {
			o.Journal, o.CatalogFile = f, filepath.Join(t.TempDir(), "catalog.json")
		}, func(f *fault, _ *bench, s *scripted) {
			s.auto = handshakes(strings.Replace(twoTools, `"read"`, `"read2"`, 1))
			f.armed.Store(true)
			s.say(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
		}},
		{"reader of the server", func(f *fault, o *Options) {
			o.Log = slog.New(faultyLog{o.Log.Handler(), f, "a message was dropped"})
		}, func(f *fault, _ *bench, s *scripted) {
			f.armed.Store(true)
			s.say(`[]`)
		}},
		{"an answer of the client", func(f *fault, o *Options) { o.Now = f.now }, func(f *fault, b *bench, s *scripted) {
			s.say(ask)
			b.want(`"q"`, "elicitation")
			f.armed.Store(true)
			b.send(`{"jsonrpc":"2.0","id":"q","result":{"action":"decline"}}`)
		}},
		{"what waited for a handshake", func(f *fault, o *Options) { o.Now = f.now }, func(f *fault, b *bench, s *scripted) {
			auto := s.auto
			s.auto = func(*wire.Message) ([]string, bool) { return nil, false }
			b.send(strings.Replace(initialize, `"id":0`, `"id":7`, 1))
			m, err := wire.Parse([]byte(s.next("initialize")), wire.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			b.send(`[]`)
			b.send(`{"jsonrpc":"2.0","id":8,"method":"initialize"}`) // the one before it is kept when this is read
			f.armed.Store(true)
			lines, _ := auto(m)
			s.say(lines...)
			b.want(`"id":7`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, s := &fault{}, newScripted(t)
			b := openDoor(t, rows(), func(o *Options) {
				s.behind(o)
				c.fault(f, o)
			}).shaken()
			b.send(call("1", "read"))
			s.next(`"read"`) // it is open
			c.strike(f, b, s)
			l := b.read()
			if strings.Contains(l, "list_changed") { // what led to it
				l = b.read()
			}
			has(t, l, `"id":1,`, "internal_panic")
			if err := b.ended(); !errors.Is(err, ostiary.CodePanic) {
				t.Errorf("the door ended with %v", err)
			}
			b.recorded(is{code: "internal_panic"})
		})
	}
}

// TestAPanicInOneSessionLeavesTheOthers: the same over HTTP, where others go on.
func TestAPanicInOneSessionLeavesTheOthers(t *testing.T) {
	random, journal, log := &fault{}, &fault{}, &fault{}
	var at atomic.Pointer[string]
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		o.Door.Journal, o.Door.CatalogFile = journal, filepath.Join(t.TempDir(), "catalog.json")
		o.Door.Rand = random
		o.Door.Log = slog.New(faultyLog{o.Door.Log.Handler(), log, "the server does not take a message"})
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			switch {
			case m.Method == "notifications/cancelled":
				http.Error(w, "no", http.StatusInternalServerError)
			case m.Name == "put":
				said := string(m.ID)
				at.Store(&said)
				<-r.Context().Done()
			default:
				sayJSON(w, answer(string(m.ID), "done"))
			}
		}
	})
	other := w.session("Who", "bob")
	lives := func() {
		t.Helper()
		w.post(call("1", "read"), "Who", "bob", "Mcp-Session-Id", other).want(t, 200, "done")
	}
	lives()

	// A door that cannot be made.
	random.armed.Store(true)
	w.post(modernRead("1", "read", "{}"), modernFields("read")...).want(t, 503, "the door failed")
	lives()

	// The goroutine of the catalog: the session is gone afterwards.
	journal.armed.Store(true)
	id := w.post(initialize).want(t, 200).header.Get("Mcp-Session-Id")
	w.behind.tools = strings.Replace(twoTools, `"read"`, `"read2"`, 1)
	w.post(initialized, "Mcp-Session-Id", id)
	awaitGone(t, w, id)
	lives()

	// A message that goes to the server in the background.
	id = w.session()
	done := make(chan reply, 1)
	go func() { done <- w.post(call("5", "put"), "Mcp-Session-Id", id) }()
	until(t, func() bool { return at.Load() != nil })
	log.armed.Store(true)
	w.post(cancelled("5"), "Mcp-Session-Id", id)
	<-done
	awaitGone(t, w, id)
	lives()
	n := 0
	for _, r := range w.logged() {
		if r.Code == string(ostiary.CodePanic) && r.Method != "ping" { // which awaitGone may have on its way at that moment
			n++
		}
	}
	if n != 4 { // the first where it happened and as the refusal of the request
		t.Errorf("%d records of panics, want 4", n)
	}
}

// TestAPanicOfATimerEndsItsSession: the timer that ends idle sessions.
func TestAPanicOfATimerEndsItsSession(t *testing.T) {
	f := &fault{}
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) {
		o.IdleSession, o.Door.Now = 200*time.Millisecond, f.now
	})
	w.session()
	f.armed.Store(true)
	if s := got(t, w.behind.ended, "the end of the session"); s != "up-1" {
		t.Errorf("%s ended", s)
	}
	w.recorded(is{code: "internal_panic"})
	w.session() // others go on
}

// awaitGone waits until a session is not known any more.
func awaitGone(t *testing.T, w *web, id string) {
	t.Helper()
	until(t, func() bool {
		return w.post(`{"jsonrpc":"2.0","id":"gone?","method":"ping"}`, "Mcp-Session-Id", id).status == 404
	})
}

// until waits for a condition.
func until(t testing.TB, holds func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not come to that")
		}
	}
}
