package ostiary

import "fmt"

// Hold is something that a gate reserved for a call. Each of its functions may
// be nil, and none may block for long. The line calls exactly one of Release and
// Done, once.
type Hold struct {
	// Commit takes what was reserved, when the intent is durable. An error
	// refuses the call.
	Commit func() error
	// Release gives everything back, because the call does not run: what was
	// reserved, and also what Commit took, where another Commit failed after it
	// or it failed itself. What a crash leaves between the two counts as used.
	Release func()
	// Keep gets the result as the agent will, before the outcome is written. What
	// it cannot keep it says itself.
	Keep func(*Result)
	// Done ends what was committed, when the run has ended, whatever came of it.
	Done func()
}

// holds are what the gates reserved for one call, in their order.
type holds struct {
	all  []*Hold
	room [4]*Hold // for all, as long as they are few
}

func (h *holds) add(one *Hold) {
	if one == nil {
		return
	}
	if h.all == nil {
		h.all = h.room[:0]
	}
	h.all = append(h.all, one)
}

// commit commits in order and stops at the first that fails.
func (h *holds) commit() error {
	for _, one := range h.all {
		if one.Commit == nil {
			continue
		}
		if _, err := safely(func() (*Result, error) { return nil, one.Commit() }); err != nil {
			return err
		}
	}
	return nil
}

// release gives everything back, the last first. It is for a call that has not
// run and never will: behind the first byte to the upstream there is only done.
// What panics is said in the decision; the others are given back all the same.
func (h *holds) release(d Decision) Decision {
	for i := len(h.all) - 1; i >= 0; i-- {
		if err := quietly(h.all[i].Release); err != nil {
			d.Reason += fmt.Sprintf("; what a gate reserved was not given back: %v", err)
		}
	}
	return d
}

// keep shows the result to what was committed. A panic loses what would have
// been kept, not the result.
func (h *holds) keep(r *Result) {
	for _, one := range h.all {
		if one.Keep != nil {
			_ = quietly(func() { one.Keep(r) })
		}
	}
}

// done ends what was committed. A panic here can change nothing any more: the
// call has ended and its outcome is written.
func (h *holds) done() {
	for i := len(h.all) - 1; i >= 0; i-- {
		_ = quietly(h.all[i].Done)
	}
}

func quietly(f func()) (err error) {
	if f == nil {
		return nil
	}
	defer recoverTo(&err)
	f()
	return nil
}
