package telemetry

import (
	"time"

	"github.com/ostiary/ostiary"
)

// watch follows one call. Between calls it lies in the pool; one whose call is
// traced goes to the maker of spans first.
type watch struct {
	t *Telemetry
	labels
	place  place
	traced bool

	call      string
	principal string
	effect    string
	began     time.Time
	asked     time.Time // when the first gate asked
	ran, back time.Time // zero if it did not run
	ended     time.Time
	last      ostiary.Decision // without texts
	stages    []stage
}

// stage is one decision, as an event of the span.
type stage struct {
	at                  time.Time
	name, verdict, code string
}

var _ ostiary.Watch = (*watch)(nil)

// Begin implements [ostiary.Observer].
func (t *Telemetry) Begin(c *ostiary.Call) ostiary.Watch {
	if t.closed.Load() {
		return nil
	}
	w, _ := t.pool.Get().(*watch)
	*w = watch{t: t, stages: w.stages[:0], began: c.Received,
		labels: labels{method: method(c.Method), tool: t.tools.name(c), upstream: c.Upstream}}
	if t.spans != nil {
		if w.place = t.trace.place(c); w.place.sampled {
			w.traced, w.call, w.effect = true, c.ID, c.Effect.String()
			if w.principal = Other; t.o.Known(c.Principal.ID) {
				w.principal = c.Principal.ID
			}
		}
	}
	t.open.Add(1)
	return w
}

// Stage implements [ostiary.Watch].
func (w *watch) Stage(d ostiary.Decision) {
	var now time.Time
	if w.traced || d.Verdict == ostiary.Ask || !w.asked.IsZero() {
		now = w.t.o.Now()
	}
	switch {
	case d.Verdict == ostiary.Ask:
		w.t.count.decide(&d, w.upstream)
		if w.asked.IsZero() {
			w.asked = now
		}
	case !w.asked.IsZero() && d.Stage == stageSettler:
		w.t.count.waited(d.Verdict, now.Sub(w.asked))
	}
	if w.traced {
		w.stages = append(w.stages, stage{now, d.Stage, d.Verdict.String(), string(d.Code)})
	}
}

// stageSettler is the room that answers what the others ask.
const stageSettler = "approval"

// Run implements [ostiary.Watch].
func (w *watch) Run() { w.ran = w.t.o.Now() }

// Ran implements [ostiary.Watch].
func (w *watch) Ran() { w.back = w.t.o.Now() }

// End implements [ostiary.Watch].
func (w *watch) End(o ostiary.Outcome) {
	t := w.t
	t.open.Add(-1)
	w.failure = failure(&o)
	if o.Status == ostiary.StatusRPCError {
		w.status = rpcCode(o.Result)
	}
	t.count.decide(&o.Decision, w.upstream)
	t.count.finished(w.labels, o.Duration, !w.back.IsZero(), w.back.Sub(w.ran))
	if !w.traced {
		t.pool.Put(w)
		return
	}
	w.ended = w.began.Add(o.Duration)
	w.last = ostiary.Decision{Verdict: o.Decision.Verdict, Code: o.Decision.Code, Stage: o.Decision.Stage}
	t.spans.take(w)
}
