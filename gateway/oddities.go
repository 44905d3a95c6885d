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
	counted map[ostiary.Code]int
}

// oddBurst is how many are recorded one by one in a minute.
const oddBurst = 60

// refuse records one message that was dropped.
func (o *oddities) refuse(method string, err error) {
	e := ostiary.AsError(err)
	if o.note(e.Code, oddBurst) {
		o.record(method, e)
	}
}

// count drops a message of which no single one is worth a record.
func (o *oddities) count(code ostiary.Code) { o.note(code, 0) }

// note reports whether a message is to be recorded by itself, else counts it. At
// the end of a minute it records what was counted.
func (o *oddities) note(code ostiary.Code, most int) (single bool) {
	o.mu.Lock()
	now := o.door.o.Now()
	var counted map[ostiary.Code]int
	if since := now.Sub(o.window); since >= time.Minute || since < 0 {
		counted, o.counted = o.counted, nil
		o.window, o.written = now, 0
	}
	if single = o.written < most; single {
		o.written++
	} else {
		if o.counted == nil {
			o.counted = map[ostiary.Code]int{}
		}
		o.counted[code]++
	}
	o.mu.Unlock()
	o.recordCounted(counted)
	return single
}

// answer records an answer that nobody waits for; late is the call that it came
// too late for, "" if there is none.
func (o *oddities) answer(late string) {
	if late != "" {
		o.refuse("", &ostiary.Error{Code: ostiary.CodeGatewayLate,
			Message: "an answer came when its call had ended and was dropped", Reason: "an answer to call " + late + " came when it had ended and was dropped"})
		return
	}
	o.refuse("", &ostiary.Error{Code: ostiary.CodeGatewayOrphan, Message: "an answer to no open request was dropped"})
}

// flush records what was only counted.
func (o *oddities) flush() {
	o.mu.Lock()
	counted := o.counted
	o.counted = nil
	o.mu.Unlock()
	o.recordCounted(counted)
}

func (o *oddities) recordCounted(counted map[ostiary.Code]int) {
	for code, n := range counted {
		o.record("", &ostiary.Error{Code: code, Message: fmt.Sprintf("%d more messages of this kind were dropped within a minute", n)})
	}
}

func (o *oddities) record(method string, e *ostiary.Error) {
	c := o.door.newCall(method, ostiary.ClassMalformed, nil)
	d := o.door.o.Line.Refuse(c, ostiary.Refused("gateway", e))
	o.door.o.Log.Warn("a message was dropped", "code", d.Code, "reason", d.Reason)
}
