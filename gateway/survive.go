package gateway

import (
	"fmt"
	"runtime/debug"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// panicked is the refusal for a panic of the door.
func panicked(p any) error {
	return &ostiary.Error{Code: ostiary.CodePanic,
		Message: "the door failed at this message and refused it; whether it took effect is unknown: look before you repeat it. The operator finds the reason in the audit log",
		Reason:  fmt.Sprintf("panic: %v\n%.2000s", p, debug.Stack())}
}

// survive turns a panic behind the line into a record and an answer: one request
// must not end the door for everybody else.
func (d *door) survive(q *caller) {
	p := recover()
	if p == nil {
		return
	}
	d.down.remove(q.m.Key)
	dec := d.o.Line.Refuse(d.newCall(q.m.Method, ostiary.ClassMalformed, q.on), ostiary.Refused("gateway", panicked(p)))
	d.answerNow(q.on, wire.Refusal(&wire.Message{Kind: q.m.Kind, ID: q.m.ID}, q.callID, dec))
}

// breaks is deferred in every goroutine and timer of the door that serves no
// request which could be answered. After a panic there the door cannot be relied
// on, but all others can: it is recorded, what is open gets an error, and this
// door alone closes.
func (d *door) breaks() {
	if p := recover(); p != nil {
		d.broke(p)
	}
}

// broke records a panic and has the door close, also if the recorder is what
// failed.
func (d *door) broke(p any) {
	err := ostiary.AsError(panicked(p))
	defer func() {
		if again := recover(); again != nil {
			d.closeFor(err)
		}
	}()
	d.closeFor(err)
	d.o.Line.Refuse(d.newCall("", ostiary.ClassMalformed, nil), ostiary.Refused("gateway", err))
	d.o.Log.Error("the door failed and closes", "upstream", d.o.Upstream, "code", err.Code)
}

// closeFor has whoever serves the door end it, for the first reason that is given.
func (d *door) closeFor(err error) {
	select {
	case d.broken <- err:
	default:
	}
	if d.falls != nil {
		d.falls()
	}
}
