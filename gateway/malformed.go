package gateway

import (
	"github.com/ostiary/ostiary"
)

// garbled records what a client sends that is no acceptable message: the first of a
// minute in full, the rest as a count for each code. Each gets its answer all the
// same.
type garbled struct {
	door *door
	q    quota
}

func newGarbled(d *door) *garbled {
	g := &garbled{door: d}
	g.q.now, g.q.write = d.o.Now, g.counted
	return g
}

// refuse records the refusal of one message, or counts it.
func (g *garbled) refuse(c *ostiary.Call, err error) ostiary.Decision {
	d := ostiary.Refused("wire", err)
	if !g.q.admit(d.Code, c.Address, oddBurst) {
		return d
	}
	return g.door.o.Line.Refuse(c, d)
}

func (g *garbled) counted(t tally) {
	d := t.decision("from")
	d.Stage = "wire"
	g.door.o.Line.Refuse(g.door.newCall("", ostiary.ClassMalformed, nil), d)
}
