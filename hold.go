package ostiary

import "fmt"

// Hold is something that a gate reserved for a call. The line calls Commit with
// the intent, Release if the call is refused before that, and Done once when the
// call has ended after a Commit. Keep comes before Done if a result came back:
// it gets the result as the agent will, before the outcome is written, and what
// it cannot keep it says itself. Each may be nil. None may block for long.
type Hold struct {
	Commit  func() error
	Release func()
	Keep    func(*Result)
	Done    func()
}

// holds are what the gates reserved for one call, in their order.
type holds struct {
	all       []*Hold
	committed int
}

func (h *holds) add(one *Hold) {
	if one != nil {
		h.all = append(h.all, one)
	}
}

// commit commits in order and stops at the first that fails.
func (h *holds) commit() error {
	for _, one := range h.all {
		if one.Commit != nil {
			if _, err := safely(func() (*Result, error) { return nil, one.Commit() }); err != nil {
				return err
			}
		}
		h.committed++
	}
	return nil
}

// release gives back what was not committed, the last first, and ends what was.
// What panics is said in the decision; the others are given back all the same.
func (h *holds) release(d Decision) Decision {
	for i := len(h.all) - 1; i >= h.committed; i-- {
		if err := quietly(h.all[i].Release); err != nil {
			d.Reason += fmt.Sprintf("; what a gate reserved was not given back: %v", err)
		}
	}
	h.done()
	return d
}

// keep shows the result to what was committed. A panic loses what would have
// been kept, not the result.
func (h *holds) keep(r *Result) {
	for _, one := range h.all[:h.committed] {
		if one.Keep != nil {
			_ = quietly(func() { one.Keep(r) })
		}
	}
}

// done ends what was committed. A panic here can change nothing any more: the
// call has ended and its outcome is written.
func (h *holds) done() {
	for i := h.committed - 1; i >= 0; i-- {
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
