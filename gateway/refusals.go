package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// turned is what is known of a request that came to no door.
type turned struct {
	who      ostiary.Principal
	session  string
	address  string
	upstream string
	m        *wire.Message // nil where there is none
}

// turnedAway records what is refused before it comes to a door: HTTP requests
// that are none of the protocol, sessions that are not there, callers who could
// not be identified. Anybody can send these without end, so after a burst the rest
// of a minute becomes counted records; those of callers who are known are counted
// apart, so that strangers cannot hide them, and are not held back when the log
// becomes full.
type turnedAway struct {
	s         *doors
	known     quota
	strangers *Strangers
	own       bool
}

func newTurnedAway(s *doors) *turnedAway {
	t := &turnedAway{s: s, strangers: s.o.Strangers}
	t.known.now, t.known.write = s.o.Door.Now, t.counted
	if t.strangers == nil {
		t.own = true
		t.strangers = NewStrangers(StrangerOptions{Line: s.o.Door.Line, Address: s.o.Address, Now: s.o.Door.Now, Rand: s.o.Door.Rand, Log: s.o.Log})
	}
	return t
}

// refuse records a refusal, or counts it.
func (t *turnedAway) refuse(what turned, err error) ostiary.Decision {
	what.upstream = t.s.o.Door.Upstream
	d := ostiary.Refused("gateway", err)
	if what.who.ID == "" {
		return t.strangers.refuse(what, d)
	}
	if !t.known.admit(d.Code, what.who.ID, oddBurst) {
		return d
	}
	return t.s.o.Door.Line.Refuse(what.call(t.s.ids), d)
}

func (t *turnedAway) counted(c tally) {
	what := turned{upstream: t.s.o.Door.Upstream}
	for id := range c.from {
		if len(c.from) == 1 && c.other == 0 {
			what.who.ID = id
		}
	}
	t.s.o.Door.Line.Refuse(what.call(t.s.ids), c.decision("callers"))
}

func (t *turnedAway) close() {
	t.known.flush()
	if t.own {
		t.strangers.Flush()
	}
}

// decision is the refusal that stands for all that were counted.
func (t *tally) decision(sources string) ostiary.Decision {
	reason := fmt.Sprintf("%d more refusals of this kind since %s", t.n, t.since.UTC().Format("15:04:05.000Z"))
	if from := t.sources(); from != "" {
		reason += "; " + sources + ": " + from
	}
	return ostiary.Refused(stageOf(t.code), &ostiary.Error{Code: t.code, Message: "this stands for many refusals that were counted", Reason: reason})
}

// stageOf names who refused a request in front of the doors.
func stageOf(err error) string {
	if errors.Is(err, ostiary.CodeLimitRate) {
		return "limit"
	}
	return "gateway"
}

// call is what the record is about.
func (t turned) call(ids *identifier) *ostiary.Call {
	id, err := ids.call()
	if err != nil {
		id = noRandomness
	}
	c := &ostiary.Call{ID: id, Received: ids.now(), Principal: t.who, Session: t.session, Address: t.address, Upstream: t.upstream, Class: ostiary.ClassMalformed}
	if t.m != nil {
		c.Method, c.Target = t.m.Method, t.m.Name
	}
	return c
}

// Refused records a request that was refused in front of the endpoint, such as by
// Hosts; it may be given to Hosts.Refused.
func (e *Endpoint) Refused(r *http.Request, err error) {
	e.doors.away.refuse(turned{address: e.address(r)}, err)
}

// address is where a request comes from.
func (e *Endpoint) address(r *http.Request) string {
	if e.o.Address == nil {
		return ""
	}
	return e.o.Address(r)
}
