package freeze

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// DeskOptions are what a Desk needs; none may be missing.
type DeskOptions struct {
	Store ostiary.Store
	// Journal gets each change before it is made.
	Journal ostiary.Journal
	Clock   func() time.Time
}

// Who changes something: the name that the operating system or a sign-in
// proves, and the channel (cli, console).
type Who struct{ Name, Channel string }

// Desk is where a person freezes and lifts. It is used by many goroutines at once.
type Desk struct{ o DeskOptions }

// NewDesk makes a Desk.
func NewDesk(o DeskOptions) *Desk { return &Desk{o: o} }

// maxReason is how many bytes a reason may have; the agent is told less of it.
const maxReason = 2000

// Freeze stops what the scope says, in every process within a second, and with
// now also ends the calls in flight. What is frozen already stays so since then,
// with the new reason, and goes on ending calls if it did: only lifting it takes
// something back. The change is in the evidence before it is made. The error
// is config_invalid for a scope or reason that says nothing, else that of
// the journal or the store; then nothing more is frozen than before.
func (d *Desk) Freeze(ctx context.Context, s Scope, now bool, by Who, reason string) (Freeze, error) {
	if _, _, err := s.kind(); err != nil {
		return Freeze{}, err
	}
	if err := checkReason(reason); err != nil {
		return Freeze{}, err
	}
	detail := ""
	if now {
		detail = "calls in flight are ended"
	}
	if err := d.note("freeze_set", s, by, reason, detail); err != nil {
		return Freeze{}, err
	}
	f := Freeze{Scope: s, Now: now, Since: d.o.Clock().UTC(), By: by.Name, Channel: by.Channel, Reason: reason}
	err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		old, err := tx.Get(bucket, s.ID())
		if err != nil {
			return err
		}
		if old != nil {
			if was, err := read(*old); err == nil { // else it is mended by writing it anew
				f.Since, f.Now = was.Since, now || was.Now
			}
		}
		r, err := f.row()
		if err != nil {
			return err
		}
		return tx.Put(bucket, r)
	})
	if err != nil {
		return Freeze{}, d.undone(s, by, "it may not be frozen", err)
	}
	return f, nil
}

// Unfreeze lifts the freeze with exactly this scope. The error is freeze_unknown
// if there is none; one with another scope may still hold the same calls.
func (d *Desk) Unfreeze(ctx context.Context, s Scope, by Who, reason string) (Freeze, error) {
	if _, _, err := s.kind(); err != nil {
		return Freeze{}, err
	}
	if err := checkReason(reason); err != nil {
		return Freeze{}, err
	}
	f, err := d.find(ctx, s)
	if err != nil {
		return Freeze{}, err
	}
	if err := d.note("freeze_lifted", s, by, reason, ""); err != nil {
		return Freeze{}, err
	}
	if err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error { return tx.Delete(bucket, s.ID()) }); err != nil {
		return Freeze{}, d.undone(s, by, "it may still be frozen", err)
	}
	return f, nil
}

// List returns what is frozen now, in the order of the ids.
func (d *Desk) List(ctx context.Context) (found []Freeze, err error) {
	err = d.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		found, err = all(tx)
		return err
	})
	return found, err
}

// find returns the freeze of a scope. A row that cannot be read is found too, or
// nobody could ever lift it.
func (d *Desk) find(ctx context.Context, s Scope) (f Freeze, err error) {
	f.Scope = s
	var others []string
	err = d.o.Store.View(ctx, func(tx ostiary.Tx) error {
		r, err := tx.Get(bucket, s.ID())
		if err != nil {
			return err
		}
		if r != nil {
			if was, err := read(*r); err == nil {
				f = was
			}
			return nil
		}
		for r, err := range tx.List(bucket, ostiary.Query{Limit: 6}) {
			if err != nil {
				return err
			}
			others = append(others, visible.Line(r.Key, 80))
		}
		return unknown(s, others)
	})
	return f, err
}

func unknown(s Scope, others []string) error {
	frozen := "nothing is frozen"
	if len(others) > 0 {
		more := ""
		if len(others) > 5 {
			others, more = others[:5], " and more"
		}
		frozen = "frozen are " + strings.Join(others, ", ") + more
	}
	return &ostiary.Error{Code: ostiary.CodeFreezeUnknown, Message: fmt.Sprintf(
		"there is no freeze of exactly %s; %s: name the scope as it was frozen, as `ostiary freeze --list` shows it", s, frozen)}
}

func (d *Desk) note(event string, s Scope, by Who, reason, detail string) error {
	return d.o.Journal.Note(ostiary.Event{
		Name: event, Subject: s.ID(), Principal: s.Principal, Session: s.Session, Upstream: s.Upstream, Target: s.Tool,
		By: by.Name, Channel: by.Channel, Reason: reason, Detail: detail,
	})
}

// undone says in the evidence that what was just noted may not have happened: a
// store that fails while it commits leaves that open.
func (d *Desk) undone(s Scope, by Who, so string, err error) error {
	e := ostiary.AsError(err)
	failed := d.note("freeze_undone", s, by, "", so+": "+e.Error())
	return errors.Join(&ostiary.Error{
		Code: e.Code, Reason: e.Reason, Err: e.Err,
		Message: fmt.Sprintf("%s: %s; look with `ostiary freeze --list`: %s", s, so, e.Message),
	}, failed)
}

func checkReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return invalid("a reason is needed: the agent is told it, and whoever reads the evidence later wants to know")
	case len(reason) > maxReason:
		return invalid(fmt.Sprintf("the reason has %d bytes; write it in at most %d", len(reason), maxReason))
	case !utf8.ValidString(reason):
		return invalid("the reason holds bytes that are no text: write it in UTF-8")
	}
	return nil
}
