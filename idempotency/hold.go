package idempotency

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary"
)

// patience bounds each step of a hold.
const patience = 5 * time.Second

// hold is a key that a call has reserved, or wants to take over. The line uses
// it from one goroutine.
type hold struct {
	gate  *Gate
	key   scoped
	entry entry // as this call last wrote it, or would
	// over is the call without a known outcome that this one follows; "" where
	// the key was free.
	over    string
	tried   bool // whether Commit was called
	settled bool // nothing is left to note
}

func (h *hold) hold() *ostiary.Hold {
	return &ostiary.Hold{Commit: h.commit, Release: h.release, Keep: h.keep, Done: h.done}
}

// takeover is the hold of a call that runs although an earlier one may have
// taken effect; only a person allows that.
func (g *Gate) takeover(c *ostiary.Call, s scoped, e *entry) *ostiary.Hold {
	h := &hold{gate: g, key: s, over: e.Call, entry: g.entry(c, s, running)}
	return h.hold()
}

var errNotOurs = errors.New("the key is another call's")

// commit marks the call as one that may run, if the key is still its own.
func (h *hold) commit() error {
	h.tried = true
	err := h.change(func(tx ostiary.Tx, have *entry) error {
		mine := have != nil && have.Call == h.entry.Call && have.State == reserved
		if h.over != "" {
			mine = have != nil && have.Call == h.over && (have.State == unknown || have.State == running)
		}
		if !mine {
			return errNotOurs
		}
		h.entry.State = running
		return put(tx, h.key.row, &h.entry)
	})
	if errors.Is(err, errNotOurs) {
		return overtaken(h.key)
	}
	return err
}

// release gives the key back: this call has not run. It also undoes a commit,
// or one whose fate is not known.
func (h *hold) release() {
	switch {
	case h.over == "":
		h.end("cannot give back the key of", func(tx ostiary.Tx) error { return tx.Delete(bucket, h.key.row) })
	case h.tried: // what the earlier call did is as unknown as before
		h.end("cannot give back the key of", h.forget)
	}
}

// keep stores the result for repetitions. A task or a question is no result.
func (h *hold) keep(r *ostiary.Result) {
	if r.Status == ostiary.StatusPending {
		h.end("cannot give back the key of", func(tx ostiary.Tx) error { return tx.Delete(bucket, h.key.row) })
		return
	}
	if _, ok := status(r.Status.String()); !ok {
		return // not an answer of the upstream
	}
	h.end("cannot keep the result of", func(tx ostiary.Tx) error {
		e := h.entry
		e.expires = h.gate.clock().Add(h.key.keep)
		if n := len(r.Body) + len(r.Text); n > h.gate.maxResult {
			e.State, e.Status, e.Lost = tooLarge, r.Status.String(), n
		} else {
			e.keepResult(r)
		}
		return put(tx, h.key.row, &e)
	})
}

// done notes that a call ended of which no result was kept.
func (h *hold) done() {
	if !h.settled {
		h.end("cannot note the end of", h.forget)
	}
}

// forget notes that whether the call took effect is not known.
func (h *hold) forget(tx ostiary.Tx) error {
	e := h.entry
	e.State, e.expires = unknown, h.gate.clock().Add(max(h.key.keep, inFlight))
	return put(tx, h.key.row, &e)
}

// end writes the last note about the call, if the key is still its own. If that
// fails the call is left to whoever comes next.
func (h *hold) end(doing string, write func(tx ostiary.Tx) error) {
	err := h.change(func(tx ostiary.Tx, have *entry) error {
		if have == nil || have.Call != h.entry.Call {
			return nil
		}
		return write(tx)
	})
	if err != nil {
		h.gate.leave(h.entry.Call)
		h.gate.log.Error("idempotency: "+doing+" a call", "call", h.entry.Call, "key", h.key.under(), "err", err)
		return
	}
	h.settled = true
}

// change reads the entry and changes it in one transaction. What a hold has to
// say it says also when the client has gone.
func (h *hold) change(f func(tx ostiary.Tx, have *entry) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return h.gate.store.Update(ctx, func(tx ostiary.Tx) error {
		have, err := get(tx, h.key.row, time.Time{}) // expired or not
		if err != nil {
			return err
		}
		return f(tx, have)
	})
}
