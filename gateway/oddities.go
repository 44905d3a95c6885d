package gateway

import (
	"fmt"

	"github.com/ostiary/ostiary"
)

// oddities records messages that belong to no call: late and unasked answers,
// malformed lines, dropped notifications. Either side could send them without
// end, so after a burst the rest of a minute becomes one counted record.
type oddities struct {
	door *door
	q    quota
}

func newOddities(d *door) *oddities {
	o := &oddities{door: d}
	o.q.now, o.q.write = d.o.Now, o.counted
	return o
}

// refuse records one message that was dropped.
func (o *oddities) refuse(method string, err error) {
	e := ostiary.AsError(err)
	if o.q.admit(e.Code, "", oddBurst) {
		o.record(method, e)
	}
}

// count drops a message of which no single one is worth a record.
func (o *oddities) count(code ostiary.Code) { o.q.admit(code, "", 0) }

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
func (o *oddities) flush() { o.q.flush() }

func (o *oddities) counted(t tally) {
	o.record("", &ostiary.Error{Code: t.code, Message: fmt.Sprintf("%d more messages of this kind were dropped within a minute", t.n)})
}

func (o *oddities) record(method string, e *ostiary.Error) {
	c := o.door.newCall(method, ostiary.ClassMalformed, nil)
	d := o.door.o.Line.Refuse(c, ostiary.Refused("gateway", e))
	o.door.o.Log.Warn("a message was dropped", "code", d.Code, "reason", d.Reason)
}
