package pin

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// Who accepts: the name that the operating system or a sign-in proves, and the
// channel (cli, console).
type Who struct{ Name, Channel string }

// Desk is where a person looks at pins and accepts what changed. It is used by many
// goroutines at once.
type Desk struct{ o DeskOptions }

// NewDesk makes a Desk.
func NewDesk(o DeskOptions) *Desk { return &Desk{o: o} }

// List returns the pins of an upstream, or all of them for "", in the order of
// server, kind and name.
func (d *Desk) List(ctx context.Context, upstream string) (found []*Pin, err error) {
	err = d.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		q := ostiary.Query{}
		if upstream != "" {
			q.Group = groupOf(upstream)
		}
		found, err = all(tx, q)
		return err
	})
	slices.SortFunc(found, func(a, b *Pin) int {
		return strings.Compare(a.Upstream+"\x00"+string(a.Kind)+"\x00"+a.Name, b.Upstream+"\x00"+string(b.Kind)+"\x00"+b.Name)
	})
	return found, err
}

// Accept is what a person accepts.
type Accept struct {
	// Upstream, and Tool if it is one of its tools, or something else of which it
	// has many as String names it (prompt:NAME, template:URI, capability:NAME); all that waits otherwise.
	Upstream, Tool string
	// Also keeps what was accepted before beside the new form, and takes every form
	// that waits: for servers that show different people different definitions.
	Also bool
	// Digest, if set, is the beginning of the digest that was looked at; a form that
	// came since is not accepted.
	Digest string
	Reason string
}

// Accepted is one pin that was accepted: the form that counts now, and the one
// before it, nil if there was none.
type Accepted struct {
	Pin    *Pin
	Now    Form
	Before *Form
}

// Accept takes what waits as what is accepted from now on, in every process within a
// second; what was accepted before is not any more, but for [Accept].Also. The change
// is in the evidence before it is made. The error is pin_unknown if nothing waits.
func (d *Desk) Accept(ctx context.Context, a Accept, by Who) ([]Accepted, error) {
	if len(a.Reason) > maxReason || !utf8.ValidString(a.Reason) {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf("a reason is text of at most %d bytes", maxReason)}
	}
	for range seesMost {
		done, err := d.accept(ctx, a, by)
		if !errors.Is(err, errAgain) {
			return done, err
		}
	}
	return nil, &ostiary.Error{Code: ostiary.CodeStoreBusy, Err: errAgain, Message: "what waits changes faster than it can be accepted: look with `ostiary pin diff` and try again"}
}

const maxReason = 2000

func (d *Desk) accept(ctx context.Context, a Accept, by Who) ([]Accepted, error) {
	var first []Accepted
	err := d.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		first, err = d.choose(tx, a, by)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return nil, d.nothing(ctx, a)
	}
	what := make([]string, len(first))
	for i, one := range first {
		what[i] = visible.Line(one.Pin.String(), 200) + " " + one.Now.Digest[:16]
	}
	e := ostiary.Event{Name: "pin_accepted", Subject: a.Upstream, Upstream: a.Upstream, Target: a.Tool,
		By: by.Name, Channel: by.Channel, Reason: a.Reason, Detail: some(what)}
	if err := d.o.Journal.Note(e); err != nil {
		return nil, err
	}
	err = d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		second, err := d.choose(tx, a, by)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(first, second, func(x, y Accepted) bool { return x.Now.Digest == y.Now.Digest && x.Pin.String() == y.Pin.String() }) {
			return errAgain
		}
		for _, one := range second {
			r, err := one.Pin.row()
			if err == nil {
				err = tx.Put(bucket, r)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		e.Name, e.Detail = "pin_undone", "it may not be accepted: "+ostiary.AsError(err).Error()
		if errors.Is(err, errAgain) {
			e.Detail = "what waited had changed meanwhile"
		}
		return nil, errors.Join(err, d.o.Journal.Note(e))
	}
	return first, nil
}

// choose finds what waits and makes it what is accepted.
func (d *Desk) choose(tx ostiary.Tx, a Accept, by Who) (chosen []Accepted, err error) {
	found, err := all(tx, ostiary.Query{Group: groupOf(a.Upstream)})
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		if one.Upstream != a.Upstream || len(one.Waiting) == 0 || a.Tool != "" && !one.is(a.Tool) {
			continue
		}
		take := one.Waiting[len(one.Waiting)-1:]
		if a.Also {
			take = one.Waiting
		}
		if a.Digest != "" {
			take = slices.DeleteFunc(slices.Clone(one.Waiting), func(f Form) bool { return !strings.HasPrefix(f.Digest, a.Digest) })
		}
		if len(take) == 0 {
			continue
		}
		did := Accepted{Pin: one}
		if n := len(one.Accepted); n > 0 {
			did.Before = &one.Accepted[n-1]
		}
		var kept []Form
		if a.Also {
			kept = slices.Clone(one.Accepted)
		}
		for _, f := range take {
			f.Since, f.By, f.Channel, f.Reason = d.o.Clock().UTC().Truncate(time.Microsecond), by.Name, by.Channel, a.Reason
			f.Principal, f.Held = "", false
			kept, did.Now = append(kept, f), f
		}
		if len(kept) > acceptedMost {
			kept = kept[len(kept)-acceptedMost:]
		}
		one.Accepted, one.Waiting = kept, nil
		chosen = append(chosen, did)
	}
	return chosen, nil
}

// is reports whether a name, as it is typed behind the slash, means the pin.
func (p *Pin) is(name string) bool { return name != "" && labelOf(p.Kind, p.Name) == name }

func (d *Desk) nothing(ctx context.Context, a Accept) error {
	found, err := d.List(ctx, "")
	if err != nil {
		return err
	}
	name := a.Upstream
	if a.Tool != "" {
		name += "/" + a.Tool
	}
	what := "nothing like " + visible.Line(name, 200) + " is pinned"
	for _, one := range found {
		if one.Upstream == a.Upstream && (a.Tool == "" || one.is(a.Tool)) {
			what = "nothing of " + visible.Line(name, 200) + " waits to be accepted"
		}
	}
	return &ostiary.Error{Code: ostiary.CodePinUnknown, Message: what + ": `ostiary pin list` shows what is known and what waits"}
}
