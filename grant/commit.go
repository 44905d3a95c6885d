package grant

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary"
)

// patience bounds how long giving a use back may take.
const patience = 5 * time.Second

// hold is a use that a call may take. The line uses it from one goroutine.
type hold struct {
	gate  *Gate
	id    string
	end   time.Time // when the grant's time is over for the tool of the call
	call  string
	taken bool // by this call, for certain
}

func (h *hold) hold(ctx context.Context) *ostiary.Hold {
	return &ostiary.Hold{
		Commit:  func() error { return h.take(ctx) },
		Release: func() { h.giveBack(ctx) },
	}
}

// take uses a grant once, and each of its ancestors, or none. It looks at all of
// them again, alone among all processes.
func (h *hold) take(ctx context.Context) error {
	g := h.gate
	last := false // whether a grant has no uses left now
	err := g.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		now := g.o.Clock()
		last = false
		first, err := get(tx, h.id)
		if err != nil {
			return err
		}
		if first == nil {
			return nobodys()
		}
		line, err := chain(tx, first)
		if err != nil {
			return err
		}
		for _, a := range line {
			if e := over(a, now); e != nil {
				return e
			}
		}
		if !now.Before(h.end) {
			return tooLate(first, h.end)
		}
		for _, a := range line {
			if err := use(tx, a); err != nil {
				return err
			}
			last = last || a.Used == a.Uses
		}
		return nil
	})
	h.taken = err == nil
	if err != nil || last { // after an error what we know of the grant may be old
		g.dirty.Add(1)
	}
	return err
}

// giveBack returns what take took, to the grant and to each of its ancestors, at
// most once: the call has not run. Where it is not known whether take or this
// has changed the store, the use counts as used.
func (h *hold) giveBack(ctx context.Context) {
	if !h.taken {
		return
	}
	h.taken = false
	g := h.gate
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := g.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		first, err := get(tx, h.id)
		if err != nil {
			return err
		}
		if first == nil {
			return errors.New("the grant is gone")
		}
		line, err := chain(tx, first)
		if err != nil {
			return err
		}
		for _, a := range line {
			if err := unuse(tx, a); err != nil {
				return err
			}
		}
		return nil
	})
	g.dirty.Add(1)
	if err != nil {
		g.o.Logger.Warn("a call that did not run used up a grant, because the use could not be given back",
			"grant", h.id, "call", h.call, "err", err)
	}
}
