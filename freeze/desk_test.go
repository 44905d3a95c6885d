package freeze

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestDesk(t *testing.T) {
	s := open(t, t.TempDir())
	j := &journal{}
	now := noon()
	d := NewDesk(DeskOptions{Store: s, Journal: j, Clock: func() time.Time { return now }})
	if _, err := d.Unfreeze(t.Context(), Scope{All: true}, me, "why not"); !is(err, ostiary.CodeFreezeUnknown) || !strings.Contains(err.Error(), "nothing is frozen") {
		t.Fatal(err)
	}
	d.mustFreeze(t, Scope{Tool: "files/*"}, false)
	d.mustFreeze(t, Scope{Principal: "alice"}, true)
	now = now.Add(time.Hour)
	if _, err := d.Freeze(t.Context(), Scope{Tool: "files/*"}, true, Who{"otto", "console"}, "worse now"); err != nil {
		t.Fatal(err)
	}
	again, err := d.Freeze(t.Context(), Scope{Principal: "alice"}, false, me, "it misbehaves")
	if err != nil || !again.Now || !again.Since.Equal(noon()) {
		t.Fatalf("a second freeze took back what the first had ordered: %+v, %v", again, err)
	}
	got, err := d.List(t.Context())
	want := []Freeze{
		{Scope{Principal: "alice"}, true, noon(), "olga", "cli", "it misbehaves"},
		{Scope{Tool: "files/*"}, true, noon(), "otto", "console", "worse now"}, // since the first time
	}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	_, err = d.Unfreeze(t.Context(), Scope{Tool: "files/x"}, me, "only this one")
	if !is(err, ostiary.CodeFreezeUnknown) || !strings.Contains(err.Error(), "principal:alice, tool:files/*") {
		t.Error(err)
	}
	d.mustLift(t, Scope{Tool: "files/*"})
	if got, err := d.List(t.Context()); err != nil || !slices.Equal(got, want[:1]) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := j.names(); !slices.Equal(got, []string{"freeze_set", "freeze_set", "freeze_set", "freeze_set", "freeze_lifted"}) {
		t.Error(got)
	}
	if e := j.events[1]; e.Subject != "principal:alice" || e.Principal != "alice" || e.By != "olga" || e.Channel != "cli" || e.Reason != "it misbehaves" || e.Detail == "" {
		t.Errorf("%+v", e)
	}
}

// Law 1: what cannot be recorded is not done.
func TestLaw1NoFreezeUnrecorded(t *testing.T) {
	s := open(t, t.TempDir())
	j := &journal{err: &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "full"}}
	d := NewDesk(DeskOptions{Store: s, Journal: j, Clock: noon})
	if _, err := d.Freeze(t.Context(), Scope{All: true}, false, me, "r"); !is(err, ostiary.CodeAuditUnavailable) {
		t.Error(err)
	}
	if got, err := d.List(t.Context()); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	desk(s).mustFreeze(t, Scope{All: true}, false) // the control
	if _, err := d.Unfreeze(t.Context(), Scope{All: true}, me, "r"); !is(err, ostiary.CodeAuditUnavailable) {
		t.Error(err)
	}
	if got, err := d.List(t.Context()); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
}

// What was noted and then not done is said in the evidence, too.
func TestAFailingStoreIsRecorded(t *testing.T) {
	s := open(t, t.TempDir())
	j := &journal{}
	d := NewDesk(DeskOptions{Store: s, Journal: j, Clock: noon})
	s.Close()
	_, err := d.Freeze(t.Context(), Scope{All: true}, false, me, "r")
	if !is(err, ostiary.CodeStoreUnavailable) || !strings.Contains(err.Error(), "it may not be frozen") {
		t.Error(err)
	}
	if got := j.names(); !slices.Equal(got, []string{"freeze_set", "freeze_undone"}) {
		t.Error(got)
	}
}

func TestScopesThatAreNone(t *testing.T) {
	d := desk(open(t, t.TempDir()))
	for _, c := range []struct {
		scope  Scope
		reason string
		want   string
	}{
		{Scope{}, "r", "say what to freeze"},
		{Scope{All: true, Principal: "a"}, "r", "one scope"},
		{Scope{Principal: "a", Session: "b"}, "r", "one scope"},
		{Scope{Tool: "delete_file"}, "r", "files/delete_"},
		{Scope{Tool: "/x"}, "r", "upstream/tool"},
		{Scope{Tool: "x/"}, "r", "upstream/tool"},
		{Scope{Principal: "al*"}, "r", "only --tool takes a pattern"},
		{Scope{Upstream: strings.Repeat("x", 513)}, "r", "at most 512 bytes"},
		{Scope{Session: "a\x00b"}, "r", "is no name"},
		{Scope{Session: "a\xff"}, "r", "is no name"},
		{Scope{All: true}, " \n", "a reason is needed"},
		{Scope{All: true}, strings.Repeat("x", 2001), "at most 2000"},
		{Scope{All: true}, "\xff", "UTF-8"},
	} {
		for what, f := range map[string]func(context.Context, Scope, bool, Who, string) (Freeze, error){
			"freeze": d.Freeze,
			"unfreeze": func(ctx context.Context, s Scope, _ bool, w Who, r string) (Freeze, error) {
				return d.Unfreeze(ctx, s, w, r)
			},
		} {
			_, err := f(t.Context(), c.scope, false, me, c.reason)
			var e *ostiary.Error
			if !errors.As(err, &e) || e.Code != ostiary.CodeConfigInvalid || !strings.Contains(e.Message, c.want) {
				t.Errorf("%s %+v: got %v, want %q", what, c.scope, err, c.want)
			}
		}
	}
	if s := (Scope{Tool: strings.Repeat("é", 256)[:511] + "/"}); s.ID() != "" {
		t.Error(s.ID())
	}
}
