package redact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

func openStore(t testing.TB, dir string) *store.SQLite {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir, Clock: (&hand{}).now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func stateDir(t testing.TB) string { return t.TempDir() + "/state" }

// hand is a clock that a test moves.
type hand struct{ atomic.Int64 }

func (h *hand) now() time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(h.Load())) }

func (h *hand) move(d time.Duration) { h.Add(int64(d)) }

type noted struct {
	events []ostiary.Event
	err    error
}

func (n *noted) Note(e ostiary.Event) error {
	if n.err == nil {
		n.events = append(n.events, e)
	}
	return n.err
}

var olga = ExceptionWho{Name: "olga", Channel: "cli"}

func fixture() Exception {
	return Exception{Rule: "github-pat", Upstream: "files", Tool: "read_file", Pointer: "/content/0/text", Reason: "a fixture"}
}

func TestAllows(t *testing.T) {
	s, h := openStore(t, stateDir(t)), &hand{}
	desk := NewExceptionDesk(ExceptionDeskOptions{Store: s, Journal: &noted{}, Clock: h.now})
	must := func(change func(*Exception), life time.Duration) Exception {
		x := fixture()
		change(&x)
		made, err := desk.Except(t.Context(), x, life, "call", olga)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	must(func(*Exception) {}, time.Hour)
	must(func(x *Exception) { x.Rule, x.Value = "aws", "v1" }, 0)
	must(func(x *Exception) { x.Rule, x.AnyIndex = "jwt", true }, 0)
	must(func(x *Exception) { x.Rule, x.AnyIndex, x.Pointer = "npm", true, "/a/*/7" }, 0)
	must(func(x *Exception) { x.Rule, x.Pointer = "star", "/content/*/text" }, 0)
	x := NewExceptions(ExceptionsOptions{Store: s, Clock: h.now})
	at := "/content/0/text"
	for _, c := range []struct {
		name                                   string
		upstream, tool, pointer, rule, valueOf string
		want                                   bool
	}{
		{"as excepted", "files", "read_file", at, "github-pat", "any", true},
		{"without a hash", "files", "read_file", at, "github-pat", "", true},
		{"another server", "web", "read_file", at, "github-pat", "", false},
		{"another tool", "files", "read", at, "github-pat", "", false},
		{"another rule", "files", "read_file", at, "gitlab-pat", "", false},
		{"another place", "files", "read_file", "/content/1/text", "github-pat", "", false},
		{"a place within", "files", "read_file", at + "/0", "github-pat", "", false},
		{"the root", "files", "read_file", "", "github-pat", "", false},
		{"the value", "files", "read_file", at, "aws", "v1", true},
		{"another value", "files", "read_file", at, "aws", "v2", false},
		{"no value", "files", "read_file", at, "aws", "", false},
		{"any index", "files", "read_file", "/content/17/text", "jwt", "", true},
		{"the same index", "files", "read_file", at, "jwt", "", true},
		{"a name", "files", "read_file", "/content/x/text", "jwt", "", false},
		{"no index", "files", "read_file", "/content/01/text", "jwt", "", false},
		{"a member called *", "files", "read_file", "/content/*/text", "jwt", "", false},
		{"another end", "files", "read_file", "/content/0/title", "jwt", "", false},
		{"a finding below a member called *", "files", "read_file", "/a/*/0", "npm", "", true},
		{"and not a place of an array", "files", "read_file", "/a/1/0", "npm", "", false},
		{"* is itself where any index was not asked for", "files", "read_file", "/content/*/text", "star", "", true},
		{"and nothing else", "files", "read_file", at, "star", "", false},
	} {
		if got := x.Allows(c.upstream, c.tool, c.pointer, c.rule, c.valueOf); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	h.move(time.Hour - time.Nanosecond)
	if !x.Allows("files", "read_file", at, "github-pat", "") {
		t.Error("it ended early")
	}
	h.move(time.Nanosecond) // within the time in which the store is not asked
	if x.Allows("files", "read_file", at, "github-pat", "") {
		t.Error("it goes on behind its end")
	}
	if !x.Allows("files", "read_file", at, "aws", "v1") {
		t.Error("the control ended too")
	}
}

// TestCovers: what `ostiary explain` says of exceptions is what they let pass, each part
// of the place counted.
func TestCovers(t *testing.T) {
	one := Exception{Rule: "github-pat", Upstream: "files", Tool: "read_file", Pointer: "/content/0/text"}
	value, indexed := one, one
	value.Value = "v1"
	indexed.Pointer, indexed.AnyIndex = "/content/*/text", true
	for _, c := range []struct {
		x                                    Exception
		upstream, tool, pointer, rule, value string
		want                                 bool
	}{
		{one, "files", "read_file", "/content/0/text", "github-pat", "v1", true},
		{one, "other", "read_file", "/content/0/text", "github-pat", "v1", false},
		{one, "files", "write_file", "/content/0/text", "github-pat", "v1", false},
		{one, "files", "read_file", "/content/1/text", "github-pat", "v1", false},
		{one, "files", "read_file", "/content/0/text", "jwt", "v1", false},
		{value, "files", "read_file", "/content/0/text", "github-pat", "v1", true},
		{value, "files", "read_file", "/content/0/text", "github-pat", "v2", false},
		{indexed, "files", "read_file", "/content/7/text", "github-pat", "v1", true},
		{indexed, "files", "read_file", "/content/x/text", "github-pat", "v1", false},
	} {
		if got := c.x.Covers(c.upstream, c.tool, c.pointer, c.rule, c.value); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// What another process makes and takes back holds here within a second, and renewing
// does not make a second one.
func TestExceptionsOfAnotherProcess(t *testing.T) {
	dir, h, j := stateDir(t), &hand{}, &noted{}
	x := NewExceptions(ExceptionsOptions{Store: openStore(t, dir), Clock: h.now})
	desk := NewExceptionDesk(ExceptionDeskOptions{Store: openStore(t, dir), Journal: j, Clock: h.now})
	allows := func() bool {
		h.move(time.Second)
		return x.Allows("files", "read_file", "/content/0/text", "github-pat", "v")
	}
	if allows() {
		t.Fatal("allowed before there was one")
	}
	first, err := desk.Except(t.Context(), fixture(), time.Hour, "c", olga)
	if err != nil || !allows() {
		t.Fatal(first, err)
	}
	again := fixture()
	again.Reason = "still a fixture"
	renewed, err := desk.Except(t.Context(), again, 2*time.Hour, "c", olga)
	if err != nil || renewed.ID != first.ID {
		t.Fatal(renewed, err)
	}
	all, err := desk.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Reason != "still a fixture" || !all[0].Expires.After(first.Expires) {
		t.Fatal(all, err)
	}
	if _, err := desk.Remove(t.Context(), first.ID[:6], olga, "mended"); err != nil || allows() {
		t.Fatal("removed and still allowed:", err)
	}
	if _, err := desk.Remove(t.Context(), first.ID, olga, "again"); !errors.Is(err, ostiary.CodeRedactUnknown) {
		t.Error(err)
	}
	var names []string
	for _, e := range j.events {
		names = append(names, e.Name)
	}
	if !slices.Equal(names, []string{"redact_excepted", "redact_excepted", "redact_exception_removed"}) {
		t.Error(names)
	}
	if e := j.events[0]; e.Subject != first.ID || e.Call != "c" || e.Upstream != "files" || e.Target != "read_file" || e.By != "olga" ||
		e.Channel != "cli" || e.Reason != "a fixture" || !strings.Contains(e.Detail, "rule github-pat at /content/0/text until ") {
		t.Errorf("%+v", e)
	}
}

// What cannot be recorded is not excepted, and what cannot be told passes for nothing.
func TestNothingIsExceptedInDoubt(t *testing.T) {
	dir, h := stateDir(t), &hand{}
	s := openStore(t, dir)
	full := &noted{err: &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "full"}}
	unrecorded := NewExceptionDesk(ExceptionDeskOptions{Store: s, Journal: full, Clock: h.now})
	if _, err := unrecorded.Except(t.Context(), fixture(), 0, "", olga); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Error(err)
	}
	x := NewExceptions(ExceptionsOptions{Store: s, Clock: h.now})
	allows := func() bool {
		h.move(time.Second)
		return x.Allows("files", "read_file", "/content/0/text", "github-pat", "v")
	}
	if allows() {
		t.Error("an exception that was not recorded holds")
	}
	desk := NewExceptionDesk(ExceptionDeskOptions{Store: s, Journal: &noted{}, Clock: h.now})
	made, err := desk.Except(t.Context(), fixture(), 0, "", olga)
	if err != nil || !allows() {
		t.Fatal("the control:", err)
	}
	if _, err := unrecorded.Remove(t.Context(), made.ID, olga, "r"); !errors.Is(err, ostiary.CodeAuditUnavailable) || !allows() {
		t.Error(err)
	}

	// A row with a field of a later version, and one under another id.
	put := func(key, value string) {
		err := s.Update(t.Context(), func(tx ostiary.Tx) error {
			return tx.Put(exceptionBucket, ostiary.Row{Key: key, Value: []byte(value)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := made.row()
	if err != nil {
		t.Fatal(err)
	}
	put(made.ID, strings.Replace(string(r.Value), `{`, `{"only_on":"mondays",`, 1))
	if allows() {
		t.Error("a row that is not understood whole holds")
	}
	put(made.ID, strings.Replace(string(r.Value), `"tool":"read_file"`, `"tool":"other"`, 1))
	if x.Allows("files", "other", "/content/0/text", "github-pat", "v") {
		t.Error("a row under the id of another holds")
	}
	put(made.ID, string(r.Value))
	if !allows() {
		t.Error("the control does not hold")
	}
	s.Close()
	if allows() {
		t.Error("excepted although the store cannot be asked")
	}
	var none *Exceptions
	if none.Allows("files", "read_file", "/content/0/text", "github-pat", "v") || NewExceptions(ExceptionsOptions{}).Allows("", "", "", "", "") {
		t.Error("nil excepts")
	}
}

// A credential of the configuration has no exception, not even one that somebody wrote
// into the store.
func TestKnownSecretsAreNeverExcepted(t *testing.T) {
	s, h := openStore(t, stateDir(t)), &hand{}
	desk := NewExceptionDesk(ExceptionDeskOptions{Store: s, Journal: &noted{}, Clock: h.now})
	x := fixture()
	x.Rule = ruleKnown
	if _, err := desk.Except(t.Context(), x, 0, "", olga); !errors.Is(err, ostiary.CodeConfigInvalid) || !strings.Contains(err.Error(), "never comes back") {
		t.Error(err)
	}
	x.ID, x.Expires = x.id(), h.now().Add(time.Hour)
	r, err := x.row()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(context.Background(), func(tx ostiary.Tx) error { return tx.Put(exceptionBucket, r) }); err != nil {
		t.Fatal(err)
	}
	if NewExceptions(ExceptionsOptions{Store: s, Clock: h.now}).Allows("files", "read_file", "/content/0/text", ruleKnown, "") {
		t.Error("a known secret is excepted")
	}
}

func TestExceptionsThatAreNone(t *testing.T) {
	j := &noted{}
	desk := NewExceptionDesk(ExceptionDeskOptions{Store: openStore(t, stateDir(t)), Journal: j, Clock: (&hand{}).now})
	for want, change := range map[string]func(*Exception, *time.Duration, *ExceptionWho){
		"one rule, one server and one tool": func(x *Exception, _ *time.Duration, _ *ExceptionWho) { x.Tool = "" },
		"at most 512 bytes":                 func(x *Exception, _ *time.Duration, _ *ExceptionWho) { x.Pointer = "/" + strings.Repeat("x", 512) },
		"is no JSON pointer":                func(x *Exception, _ *time.Duration, _ *ExceptionWho) { x.Pointer = "content" },
		"365 days at most":                  func(_ *Exception, l *time.Duration, _ *ExceptionWho) { *l = 366 * 24 * time.Hour },
		"longer than no time":               func(_ *Exception, l *time.Duration, _ *ExceptionWho) { *l = -time.Second },
		"a reason is needed":                func(x *Exception, _ *time.Duration, _ *ExceptionWho) { x.Reason = " \n" },
		"made by somebody":                  func(_ *Exception, _ *time.Duration, w *ExceptionWho) { w.Name = "" },
	} {
		x, life, who := fixture(), time.Hour, olga
		change(&x, &life, &who)
		_, err := desk.Except(t.Context(), x, life, "", who)
		if !errors.Is(err, ostiary.CodeConfigInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if len(j.events) > 0 {
		t.Errorf("recorded %+v", j.events)
	}
}

// A store that fails while it writes leaves a second event.
func TestAnUndoneExceptionIsRecorded(t *testing.T) {
	s, j := openStore(t, stateDir(t)), &noted{}
	desk := NewExceptionDesk(ExceptionDeskOptions{Store: &readOnly{s}, Journal: j, Clock: (&hand{}).now})
	_, err := desk.Except(t.Context(), fixture(), 0, "c", olga)
	if !errors.Is(err, ostiary.CodeStoreBusy) || !strings.Contains(err.Error(), "may not have been made") {
		t.Error(err)
	}
	if len(j.events) != 2 || j.events[1].Name != "redact_exception_undone" || j.events[1].Subject != j.events[0].Subject {
		t.Errorf("%+v", j.events)
	}
}

type readOnly struct{ ostiary.Store }

func (readOnly) Update(context.Context, func(ostiary.Tx) error) error {
	return &ostiary.Error{Code: ostiary.CodeStoreBusy, Message: "busy"}
}

func TestSubject(t *testing.T) {
	for want, c := range map[string]ostiary.Call{
		"read_file":                  {Class: ostiary.ClassTool, Method: "tools/call", Target: "read_file"},
		"resources/read file:///a b": {Class: ostiary.ClassResource, Method: "resources/read", Target: "file:///a b"},
		"notifications/message":      {Class: ostiary.ClassNotification, Method: "notifications/message"},
	} {
		if got := Subject(&c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func BenchmarkAllows(b *testing.B) {
	for name, n := range map[string]int{"none": 0, "100": 100} {
		b.Run(name, func(b *testing.B) {
			s, h := openStore(b, stateDir(b)), &hand{}
			desk := NewExceptionDesk(ExceptionDeskOptions{Store: s, Journal: &noted{}, Clock: h.now})
			for i := range n {
				x := fixture()
				x.Tool, x.AnyIndex = fmt.Sprint("t", i), true
				if _, err := desk.Except(b.Context(), x, 0, "", olga); err != nil {
					b.Fatal(err)
				}
			}
			x := NewExceptions(ExceptionsOptions{Store: s, Clock: h.now})
			b.ReportAllocs()
			for b.Loop() {
				x.Allows("files", "read_file", "/content/0/text", "github-pat", "v")
			}
		})
	}
}
