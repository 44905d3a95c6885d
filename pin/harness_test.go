package pin

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
	"github.com/ostiary/ostiary/wire"
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// journal keeps events; it fails where a test says so.
type journal struct {
	mu     sync.Mutex
	events []ostiary.Event
	err    error
}

func (j *journal) Note(e ostiary.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.events = append(j.events, e)
	}
	return j.err
}

func (j *journal) names() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var names []string
	for _, e := range j.events {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

func openStore(t testing.TB, dir string) *store.SQLite {
	t.Helper()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// house is a store with a room and a desk over it.
type house struct {
	t     testing.TB
	pins  *Pins
	desk  *Desk
	store ostiary.Store
	notes *journal
}

func newHouse(t testing.TB, change func(*Options)) *house {
	t.Helper()
	return houseOver(t, openStore(t, t.TempDir()), change)
}

func houseOver(t testing.TB, s ostiary.Store, change func(*Options)) *house {
	t.Helper()
	h := &house{t: t, store: s, notes: &journal{}}
	o := Options{Store: s, Journal: h.notes, Clock: noon}
	if change != nil {
		change(&o)
	}
	h.pins = New(o)
	t.Cleanup(h.pins.Close)
	h.desk = NewDesk(DeskOptions{Store: s, Journal: h.notes, Clock: noon})
	return h
}

// tool is an entry of a list; rest are further members.
func tool(name, description, rest string) string {
	return fmt.Sprintf(`{"name":%s,"description":%s,"inputSchema":{"type":"object"}%s}`, wire.Quote(name), wire.Quote(description), rest)
}

func canonical(t testing.TB, text string) []byte {
	t.Helper()
	b, err := wire.Canonical([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var files = Program([]string{"/no/such/files"}, "/")

// see shows a server's list of tools to alice.
func (h *house) see(upstream string, who Identity, tools ...string) {
	h.t.Helper()
	h.seeAs("alice", upstream, who, tools...)
}

func (h *house) seeAs(principal, upstream string, who Identity, tools ...string) {
	h.t.Helper()
	s := Seen{Upstream: upstream, Principal: principal, Identity: who, Kinds: []Kind{KindTool}}
	for _, text := range tools {
		name, _ := wire.Member([]byte(text), "name")
		s.Definitions = append(s.Definitions, Definition{Kind: KindTool, Name: strings.Trim(string(name), `"`), Text: canonical(h.t, text)})
	}
	if err := h.pins.See(context.Background(), s); err != nil {
		h.t.Fatal(err)
	}
}

// check is what a call to a tool with this definition gets.
func (h *house) check(upstream string, who Identity, text string) ostiary.Decision {
	h.t.Helper()
	name, _ := wire.Member([]byte(text), "name")
	sum, err := wire.Digest([]byte(text))
	if err != nil {
		h.t.Fatal(err)
	}
	d, err := h.pins.Check(context.Background(), &ostiary.Call{Class: ostiary.ClassTool, Upstream: upstream,
		Target: strings.Trim(string(name), `"`), Definition: sum, Server: who.Digest()})
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func (h *house) allowed(upstream string, who Identity, text string) {
	h.t.Helper()
	if d := h.check(upstream, who, text); d.Verdict != ostiary.Allow {
		h.t.Errorf("%s was refused: %+v", text, d)
	}
}

func (h *house) refused(code ostiary.Code, upstream string, who Identity, text string) ostiary.Decision {
	h.t.Helper()
	d := h.check(upstream, who, text)
	if d.Verdict != ostiary.Deny || d.Code != code {
		h.t.Errorf("%s: got %s %s, want %s", text, d.Verdict, d.Code, code)
	}
	return d
}

func (h *house) accept(a Accept) []Accepted {
	h.t.Helper()
	done, err := h.desk.Accept(context.Background(), a, Who{"olga", "cli"})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.pins.known(context.Background(), h.pins.o.Ticks()+1); err != nil { // within a quarter of a second it would by itself
		h.t.Fatal(err)
	}
	return done
}

// shown is what a client sees of an entry; "" is nothing.
func (h *house) shown(upstream, text string) string {
	h.t.Helper()
	name, _ := wire.Member([]byte(text), "name")
	b, err := h.pins.Shown(context.Background(), upstream, KindTool, strings.Trim(string(name), `"`), []byte(text))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}
