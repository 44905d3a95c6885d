package freeze

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestScopes(t *testing.T) {
	s := open(t, t.TempDir())
	d := desk(s)
	var clock ticker
	g := New(Options{Store: s, Ticks: clock.now})
	defer g.Close()
	target := call("alice", "files", "delete_file")
	for _, c := range []struct {
		scope  Scope
		frozen bool
	}{
		{Scope{All: true}, true},
		{Scope{Principal: "alice"}, true},
		{Scope{Principal: "Alice"}, false},
		{Scope{Principal: "bob"}, false},
		{Scope{Session: "4711@17"}, true},
		{Scope{Session: "4711@18"}, false},
		{Scope{Upstream: "files"}, true},
		{Scope{Upstream: "file"}, false},
		{Scope{Tool: "files/delete_file"}, true},
		{Scope{Tool: "files/delete_*"}, true},
		{Scope{Tool: "*/delete_file"}, true},
		{Scope{Tool: "f*s/*e*_*e"}, true},
		{Scope{Tool: "*/*"}, true},
		{Scope{Tool: "files/delete_fil"}, false},
		{Scope{Tool: "files/delete_file*x"}, false},
		{Scope{Tool: "mail/*"}, false},
		{Scope{Tool: "files/*e_file*e"}, false}, // the e would count twice
	} {
		clock.move(maxAge + 1)
		if got := codeOf(g.Check(t.Context(), target)); got != "" {
			t.Fatalf("before %s: %s", c.scope, got)
		}
		d.mustFreeze(t, c.scope, false)
		clock.move(maxAge + 1)
		want := ostiary.Code("")
		if c.frozen {
			want = ostiary.CodeFreezeActive
		}
		if got := codeOf(g.Check(t.Context(), target)); got != want {
			t.Errorf("with %s: got %q, want %q", c.scope, got, want)
		}
		if got := codeOf(g.Recheck(t.Context(), target)); got != want {
			t.Errorf("again with %s: got %q, want %q", c.scope, got, want)
		}
		d.mustLift(t, c.scope)
	}
}

// Of what is no call, a freeze lets pass what keeps the connection, and not what
// else has the same class. The control is the same message unfrozen.
func TestOnlyWhatKeepsTheConnectionPasses(t *testing.T) {
	for _, scope := range []Scope{{All: true}, {Upstream: "files"}} {
		s := open(t, t.TempDir())
		free := New(Options{Store: open(t, t.TempDir())})
		defer free.Close()
		desk(s).mustFreeze(t, scope, false)
		g := New(Options{Store: s})
		defer g.Close()
		for _, tt := range []struct {
			class  ostiary.Class
			method string
			held   bool
		}{
			{ostiary.ClassControl, "initialize", false},
			{ostiary.ClassControl, "ping", false},
			{ostiary.ClassControl, "server/discover", false},
			{ostiary.ClassControl, "logging/setLevel", true},
			{ostiary.ClassControl, "x/later", true},
			{ostiary.ClassList, "tools/list", false},
			{ostiary.ClassNotification, "notifications/initialized", false},
			{ostiary.ClassNotification, "notifications/cancelled", false},
			{ostiary.ClassNotification, "notifications/tasks/status", true},
			{ostiary.ClassNotification, "notifications/roots/list_changed", true},
			{ostiary.ClassNotification, "notifications/progress", true},
			{ostiary.ClassNotification, "notifications/x", true},
			{ostiary.ClassNotification, "ping", true},
		} {
			c := call("alice", "files", "")
			c.Class, c.Method = tt.class, tt.method
			if got := codeOf(free.Check(t.Context(), c)); got != "" {
				t.Errorf("control: %s: %q", tt.method, got)
			}
			for name, judge := range map[string]func(context.Context, *ostiary.Call) (ostiary.Decision, error){"once": g.Check, "again": g.Recheck} {
				if got := codeOf(judge(t.Context(), c)); (got == ostiary.CodeFreezeActive) != tt.held {
					t.Errorf("%s, %s, %s: got %q", scope, tt.method, name, got)
				}
			}
		}
	}
}

// Every class is named here, so that a new one is decided about.
func TestClasses(t *testing.T) {
	s := open(t, t.TempDir())
	desk(s).mustFreeze(t, Scope{All: true}, false)
	g := New(Options{Store: s})
	defer g.Close()
	for class, held := range map[ostiary.Class]bool{
		ostiary.ClassUnknown: true, ostiary.ClassControl: true, ostiary.ClassList: false, ostiary.ClassTool: true,
		ostiary.ClassResource: true, ostiary.ClassPrompt: true, ostiary.ClassCompletion: true, ostiary.ClassTask: true,
		ostiary.ClassTaskInput: true, ostiary.ClassSubscribe: true, ostiary.ClassElicitation: true, ostiary.ClassSampling: true,
		ostiary.ClassRoots: true, ostiary.ClassAnswer: true, ostiary.ClassNotification: true, ostiary.ClassMalformed: true,
		ostiary.ClassMalformed + 1: true,
	} {
		c := call("alice", "files", "x")
		c.Class = class
		if got := codeOf(g.Check(t.Context(), c)); (got == ostiary.CodeFreezeActive) != held {
			t.Errorf("class %s: got %q", class, got)
		}
	}
}

// A freeze of a tool does not hold a resource or prompt of that name.
func TestToolsAreTools(t *testing.T) {
	s := open(t, t.TempDir())
	desk(s).mustFreeze(t, Scope{Tool: "*/*"}, false)
	g := New(Options{Store: s})
	defer g.Close()
	c := call("alice", "files", "x")
	c.Class = ostiary.ClassPrompt
	if got := codeOf(g.Check(t.Context(), c)); got != "" {
		t.Error("a prompt:", got)
	}
	if got := codeOf(g.Check(t.Context(), call("alice", "files", "x"))); got != ostiary.CodeFreezeActive {
		t.Error("a tool:", got)
	}
}

func TestMessage(t *testing.T) {
	s := open(t, t.TempDir())
	hostile := "stop\x1b[2J\u202e\nnow " + strings.Repeat("x", 1000)
	if _, err := desk(s).Freeze(t.Context(), Scope{Principal: "al\u200bice"}, true, me, hostile); err != nil {
		t.Fatal(err)
	}
	g := New(Options{Store: s})
	defer g.Close()
	d, err := g.Check(t.Context(), call("al\u200bice", "files", "x"))
	if err != nil || d.Code != ostiary.CodeFreezeActive {
		t.Fatal(d, err)
	}
	for _, want := range []string{`al\u{200b}ice`, "2026-03-04T12:00:00Z", `stop\u{1b}[2J\u{202e}\nnow xx`, "not run", "repeating it does not help", "lifted"} {
		if !strings.Contains(d.Message, want) {
			t.Errorf("the message lacks %q: %s", want, d.Message)
		}
	}
	if len(d.Message) > 1000 || strings.ContainsAny(d.Message+d.Reason, "\x1b\n\u202e") {
		t.Errorf("not bounded or not plain: %q %q", d.Message, d.Reason)
	}
	if !strings.Contains(d.Reason, "olga (cli)") || !strings.Contains(d.Reason, "ostiary unfreeze") {
		t.Error(d.Reason)
	}
	if strings.Contains(d.Message, "olga") {
		t.Error("the agent need not know who: " + d.Message)
	}
}

// The store is asked once in maxAge, and read only when something changed.
func TestSnapshot(t *testing.T) {
	real := open(t, t.TempDir())
	s := &counting{Store: real}
	var clock ticker
	g := New(Options{Store: s, Ticks: clock.now})
	defer g.Close()
	c := call("alice", "files", "x")
	check := func(want ostiary.Code, versions, views int64) {
		t.Helper()
		if got := codeOf(g.Check(t.Context(), c)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if s.versions.Load() != versions || s.views.Load() != views {
			t.Errorf("asked %d and read %d times, want %d and %d", s.versions.Load(), s.views.Load(), versions, views)
		}
	}
	check("", 1, 1)
	desk(real).mustFreeze(t, Scope{All: true}, false)
	clock.move(maxAge)
	check("", 1, 1) // as old as it may be
	clock.move(1)
	check(ostiary.CodeFreezeActive, 2, 2)
	clock.move(maxAge + 1)
	check(ostiary.CodeFreezeActive, 3, 2)
	desk(real).mustLift(t, Scope{All: true})
	if got := codeOf(g.Recheck(t.Context(), c)); got != "" { // asks at once
		t.Error(got)
	}
	check("", 4, 3)
	control := call("alice", "files", "")
	control.Class, control.Method = ostiary.ClassControl, "ping"
	clock.move(time.Hour)
	if _, err := g.Check(t.Context(), control); err != nil || s.versions.Load() != 4 {
		t.Error("a ping asks the store", err)
	}
}

// Law 2: without the store nothing passes that could be frozen; pings do.
func TestLaw2ABrokenStoreDenies(t *testing.T) {
	s := open(t, t.TempDir())
	var clock ticker
	g := New(Options{Store: s, Ticks: clock.now})
	defer g.Close()
	c := call("alice", "files", "x")
	c.Caller = newPhone()
	d, err := g.Check(t.Context(), c)
	if codeOf(d, err) != "" {
		t.Fatal(d, err) // the control
	}
	d.Hold.Done()
	s.Close()
	clock.move(maxAge + 1)
	if got := codeOf(g.Check(t.Context(), c)); got != ostiary.CodeStoreUnavailable {
		t.Errorf("got %q", got)
	}
	if got := codeOf(g.Recheck(t.Context(), c)); got != ostiary.CodeStoreUnavailable {
		t.Errorf("again: got %q", got)
	}
	if g.flights.first.next != &g.flights.first {
		t.Error("a refused call stays in the list")
	}
	c.Class, c.Method = ostiary.ClassControl, "ping"
	if got := codeOf(g.Check(t.Context(), c)); got != "" {
		t.Errorf("a ping: %q", got)
	}
	if got := codeOf(New(Options{}).Check(t.Context(), call("a", "b", "c"))); got != ostiary.CodeStoreUnavailable {
		t.Errorf("without any store: %q", got)
	}
}

// A row that this version does not understand might hold anything.
func TestUnreadableRowDenies(t *testing.T) {
	for _, value := range []string{`{}`, `{"scope":{"principal":"alice"},"until":"tomorrow"}`, `{"scope":{"principal":"bob"}}`, `x`} {
		s := open(t, t.TempDir())
		err := s.Update(t.Context(), func(tx ostiary.Tx) error {
			return tx.Put(bucket, ostiary.Row{Key: "principal:alice", Value: []byte(value)})
		})
		if err != nil {
			t.Fatal(err)
		}
		g := New(Options{Store: s})
		defer g.Close()
		if got := codeOf(g.Check(t.Context(), call("carol", "files", "x"))); got != ostiary.CodeStoreUnavailable {
			t.Errorf("%s: got %q", value, got)
		}
		desk(s).mustLift(t, Scope{Principal: "alice"}) // it can be taken away all the same
		if got := codeOf(g.Recheck(t.Context(), call("carol", "files", "x"))); got != "" {
			t.Errorf("%s: after lifting it: %q", value, got)
		}
	}
}

// A call that is withdrawn while others ask the store does not wait for them.
func TestWithdrawnWhileWaiting(t *testing.T) {
	g := New(Options{Store: open(t, t.TempDir())})
	defer g.Close()
	g.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := codeOf(g.Check(ctx, call("alice", "files", "x"))); got != ostiary.CodeGatewayCancelled {
		t.Errorf("got %q", got)
	}
	<-g.turn
}

// broken is a store whose lists fail while a test says so, and which calls a
// function before it tells a version.
type broken struct {
	ostiary.Store
	views bool
	look  func(context.Context)
}

func (b *broken) Version(ctx context.Context, bucket string) (int64, error) {
	if b.look != nil {
		b.look(ctx)
	}
	if err := ctx.Err(); err != nil {
		return 0, &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "cancelled", Err: err}
	}
	return b.Store.Version(ctx, bucket)
}

func (b *broken) View(ctx context.Context, f func(ostiary.Tx) error) error {
	if b.views {
		return &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "the disk is broken"}
	}
	return b.Store.View(ctx, f)
}

// A list that could not be read is not taken for an empty one, although the version
// is the same when the store works again.
func TestAFailedReadIsNoAnswer(t *testing.T) {
	s := &broken{Store: open(t, t.TempDir()), views: true}
	desk(s.Store).mustFreeze(t, Scope{All: true}, false)
	var clock ticker
	g := New(Options{Store: s, Ticks: clock.now})
	defer g.Close()
	if got := codeOf(g.Check(t.Context(), call("alice", "files", "x"))); got != ostiary.CodeStoreUnavailable {
		t.Errorf("got %q", got)
	}
	s.views = false
	clock.move(maxAge + 1)
	if got := codeOf(g.Check(t.Context(), call("alice", "files", "x"))); got != ostiary.CodeFreezeActive {
		t.Errorf("when the store works again: got %q", got)
	}
}

// A client that leaves while its call asks the store takes no other call with it.
func TestWithdrawnWhileAsking(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &broken{Store: open(t, t.TempDir()), look: func(context.Context) { cancel() }}
	var clock ticker
	g := New(Options{Store: s, Ticks: clock.now})
	defer g.Close()
	_, _ = g.Check(ctx, call("alice", "files", "x")) // whatever became of it
	if got := codeOf(g.Check(t.Context(), call("bob", "files", "x"))); got != "" {
		t.Errorf("another call: %q", got)
	}
}
