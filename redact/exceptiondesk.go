package redact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// How long an exception lives, and how many there may be.
const (
	// DefaultExceptionLife is the life of one that names none.
	DefaultExceptionLife = 30 * 24 * time.Hour
	maxExceptionLife     = 365 * 24 * time.Hour
	maxExceptions        = 1000
)

// ExceptionDeskOptions are what an ExceptionDesk needs; none may be missing.
type ExceptionDeskOptions struct {
	Store ostiary.Store
	// Journal gets each change before it is made.
	Journal ostiary.Journal
	Clock   func() time.Time
}

// ExceptionDesk is where a person makes exceptions and takes them back. It is used by
// many goroutines at once.
type ExceptionDesk struct{ o ExceptionDeskOptions }

// NewExceptionDesk makes an ExceptionDesk.
func NewExceptionDesk(o ExceptionDeskOptions) *ExceptionDesk { return &ExceptionDesk{o: o} }

// ExceptionWho changes something: the name that the operating system or a sign-in
// proves, and the channel (cli, console).
type ExceptionWho struct{ Name, Channel string }

// Except makes an exception from Rule, Upstream, Tool, Pointer, AnyIndex, Value,
// Finding and Reason of x, for that long; 0 is [DefaultExceptionLife]. With AnyIndex
// the pointer is one of a finding, and each place of an array in it becomes *. What is
// excepted already is so again, with the new end and reason. The change is in the
// evidence before it is made. call is the id of the call that the finding was of. The
// error is config_invalid for what cannot be excepted, else that of the journal or the
// store.
func (d *ExceptionDesk) Except(ctx context.Context, x Exception, life time.Duration, call string, who ExceptionWho) (Exception, error) {
	if err := checkException(&x, life, who); err != nil {
		return Exception{}, err
	}
	if x.AnyIndex {
		x.Pointer = anyIndex(x.Pointer)
	}
	now := d.o.Clock().UTC().Round(0)
	x.ID, x.Created, x.Expires = x.id(), now, now.Add(cmp.Or(life, DefaultExceptionLife))
	x.By, x.Channel = who.Name, who.Channel
	room := func(tx ostiary.Tx) error {
		all, err := d.list(tx)
		if err == nil && len(all) >= maxExceptions && !slices.ContainsFunc(all, func(o Exception) bool { return o.ID == x.ID }) {
			err = invalidException("there are %d exceptions, which is the most: remove some, or give their rule the mode report", len(all))
		}
		return err
	}
	if err := d.o.Store.View(ctx, room); err != nil {
		return Exception{}, err
	}
	event := ostiary.Event{Name: "redact_excepted", Subject: x.ID, Call: call, Upstream: x.Upstream, Target: x.Tool,
		By: who.Name, Channel: who.Channel, Reason: x.Reason, Detail: x.describe()}
	if err := d.o.Journal.Note(event); err != nil {
		return Exception{}, err
	}
	err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		if err := room(tx); err != nil {
			return err
		}
		r, err := x.row()
		if err != nil {
			return err
		}
		return tx.Put(exceptionBucket, r)
	})
	if err != nil {
		return Exception{}, d.undone(event, "exception "+x.ID+" may not have been made", err)
	}
	return x, nil
}

// Remove takes an exception back, named by its id or as much of its beginning as no
// other has. The error is redact_unknown if there is none.
func (d *ExceptionDesk) Remove(ctx context.Context, ref string, who ExceptionWho, reason string) (Exception, error) {
	if who.Name == "" {
		return Exception{}, invalidException("an exception is taken back by somebody: who does is not known")
	}
	if err := checkReason(reason); err != nil {
		return Exception{}, err
	}
	x, err := d.find(ctx, ref)
	if err != nil {
		return Exception{}, err
	}
	event := ostiary.Event{Name: "redact_exception_removed", Subject: x.ID, Upstream: x.Upstream, Target: x.Tool,
		By: who.Name, Channel: who.Channel, Reason: reason, Detail: x.describe()}
	if err := d.o.Journal.Note(event); err != nil {
		return Exception{}, err
	}
	if err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error { return tx.Delete(exceptionBucket, x.ID) }); err != nil {
		return Exception{}, d.undone(event, "exception "+x.ID+" may still hold", err)
	}
	return x, nil
}

// List returns the exceptions that hold now, in the order of their ends.
func (d *ExceptionDesk) List(ctx context.Context) (all []Exception, err error) {
	err = d.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		all, err = d.list(tx)
		return err
	})
	return all, err
}

// list leaves out what is over and what cannot be read, which holds nowhere.
func (d *ExceptionDesk) list(tx ostiary.Tx) (all []Exception, err error) {
	now := d.o.Clock()
	for r, err := range tx.List(exceptionBucket, ostiary.Query{}) {
		if err != nil {
			return nil, err
		}
		if x, err := readException(&r); err == nil && x.live(now) {
			all = append(all, *x)
		}
	}
	slices.SortFunc(all, func(a, b Exception) int {
		return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

func (d *ExceptionDesk) find(ctx context.Context, ref string) (Exception, error) {
	all, err := d.List(ctx)
	if err != nil {
		return Exception{}, err
	}
	ref = strings.ToLower(strings.TrimSpace(ref))
	var meant []Exception
	for _, x := range all {
		if x.ID == ref {
			return x, nil
		}
		if ref != "" && strings.HasPrefix(x.ID, ref) {
			meant = append(meant, x)
		}
	}
	switch len(meant) {
	case 1:
		return meant[0], nil
	case 0:
		return Exception{}, &ostiary.Error{Code: ostiary.CodeRedactUnknown, Message: fmt.Sprintf(
			"there is no exception %.40q: `ostiary except list` shows those that hold", ref)}
	}
	return Exception{}, &ostiary.Error{Code: ostiary.CodeRedactUnknown, Message: fmt.Sprintf(
		"%d exceptions begin with %.40q, such as %s and %s: write more of it", len(meant), ref, meant[0].ID, meant[1].ID)}
}

// undone says in the evidence that what was just noted may not have happened.
func (d *ExceptionDesk) undone(of ostiary.Event, so string, err error) error {
	e := ostiary.AsError(err)
	of.Name, of.Reason, of.Detail = "redact_exception_undone", "", so+": "+e.Error()
	return errors.Join(&ostiary.Error{Code: e.Code, Reason: e.Reason, RetryAfter: e.RetryAfter, Err: e.Err,
		Message: so + "; look with `ostiary except list`: " + e.Message}, d.o.Journal.Note(of))
}

// describe is the part of an exception that an event has no field for.
func (x *Exception) describe() string {
	text := fmt.Sprintf("rule %s at %s until %s", x.Rule, cmp.Or(x.Pointer, "the whole"), x.Expires.Format(time.RFC3339))
	if x.Value != "" {
		text += ", only the value with the hash " + x.Value
	}
	if x.Finding != "" {
		text += ", from finding " + x.Finding
	}
	return text
}

// The bounds of names in an exception; records cut theirs at the same length.
const maxExceptionName = 512

func checkException(x *Exception, life time.Duration, who ExceptionWho) error {
	for _, s := range []string{x.Rule, x.Upstream, x.Tool, x.Pointer, x.Value, x.Finding} {
		if len(s) > maxExceptionName || !utf8.ValidString(s) {
			return invalidException("an exception names its place in at most %d bytes of UTF-8 each", maxExceptionName)
		}
	}
	switch {
	case who.Name == "":
		return invalidException("an exception is made by somebody: who does is not known")
	case x.Rule == "" || x.Upstream == "" || x.Tool == "":
		return invalidException("an exception is for one rule, one server and one tool")
	case neverExcepted(x.Rule):
		return invalidException("what was found is a credential of the configuration or of the door, which never comes back: there is no exception for it; give the server one of its own")
	case x.Pointer != "" && x.Pointer[0] != '/':
		return invalidException("%.60q is no JSON pointer: write it as a finding does, as in /content/0/text", x.Pointer)
	case life < 0 || life > maxExceptionLife:
		return invalidException("an exception lives for %d days at most and for longer than no time: make it again when it has ended, or change the mode of the rule", int(maxExceptionLife.Hours()/24))
	}
	return checkReason(x.Reason)
}

func checkReason(reason string) error {
	if strings.TrimSpace(reason) == "" || len(reason) > 1000 || !utf8.ValidString(reason) {
		return invalidException("a reason is needed, for whoever reads the evidence: UTF-8 text of at most 1000 bytes")
	}
	return nil
}

func invalidException(format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf(format, args...)}
}
