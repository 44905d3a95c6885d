package gateway

import (
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// oddities records messages that belong to no call: late and unasked answers,
// malformed lines, dropped notifications. Either side could send them without
// end, so after a burst the rest of a minute becomes one counted record.
type oddities struct {
	door *door

	mu      sync.Mutex
	window  time.Time
	written int
	dropped map[ostiary.Code]int
}

// oddBurst is how many are recorded one by one in a minute.
const oddBurst = 60

// refuse records one message that was dropped.
func (o *oddities) refuse(method string, err error) {
	e := ostiary.AsError(err)
	o.mu.Lock()
	now := o.door.o.Now()
	var counted map[ostiary.Code]int
	if now.Sub(o.window) >= time.Minute {
		counted, o.dropped = o.dropped, nil
		o.window, o.written = now, 0
	}
	write := o.written < oddBurst
	if write {
		o.written++
	} else {
		if o.dropped == nil {
			o.dropped = map[ostiary.Code]int{}
		}
		o.dropped[e.Code]++
	}
	o.mu.Unlock()
	o.count(counted)
	if write {
		o.record(method, e)
	}
}

// answer records an answer that nobody waits for.
func (o *oddities) answer(lateCall string, known bool) {
	if known {
		o.refuse("", &ostiary.Error{Code: ostiary.CodeGatewayLate,
			Message: "an answer came when its call had ended and was dropped", Reason: "call " + lateCall})
		return
	}
	o.refuse("", &ostiary.Error{Code: ostiary.CodeGatewayOrphan, Message: "an answer to no open request was dropped"})
}

// flush writes what was only counted.
func (o *oddities) flush() {
	o.mu.Lock()
	counted := o.dropped
	o.dropped = nil
	o.mu.Unlock()
	o.count(counted)
}

func (o *oddities) count(counted map[ostiary.Code]int) {
	for code, n := range counted {
		o.record("", &ostiary.Error{Code: code, Message: fmt.Sprintf("%d more messages of this kind were dropped within a minute", n)})
	}
}

func (o *oddities) record(method string, e *ostiary.Error) {
	c := o.door.newCall(method, ostiary.ClassMalformed)
	d := o.door.o.Line.Refuse(c, ostiary.Refused("gateway", e))
	o.door.o.Log.Warn("a message was dropped", "code", d.Code, "reason", d.Reason)
}
