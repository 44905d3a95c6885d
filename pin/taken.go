package pin

import "encoding/binary"

// Taken marks what people have accepted of a server since it was first seen, by kind.
// A mark differs from the one before after each acceptance, and means nothing else.
type Taken struct{ Tools, Prompts, Templates uint64 }

// Taken returns the marks of an upstream as they are known by now, without asking the
// store; false where nothing is known.
func (p *Pins) Taken(upstream string) (t Taken, known bool) {
	s := p.last.Load()
	if s == nil || s.err != nil {
		return t, false
	}
	return s.taken(upstream), true
}

func (s *snapshot) taken(upstream string) (t Taken) {
	if srv := s.servers[upstream]; srv != nil {
		t = srv.taken
	}
	return t
}

// add takes the forms that a person accepted, each with when. A form that is accepted
// at first sight was never shown in another way.
func (t *Taken) add(one *Pin) {
	to := &t.Tools
	switch one.Kind {
	case KindTool:
	case KindPrompt:
		to = &t.Prompts
	case KindTemplate:
		to = &t.Templates
	case KindServer, KindInstructions, KindInfo, KindCapability:
		return
	}
	for i := range one.Accepted {
		f := &one.Accepted[i]
		if f.Channel == channel {
			continue
		}
		d, _ := f.digest() // read has looked
		*to += binary.LittleEndian.Uint64(d[:8]) ^ uint64(f.Since.UnixMicro())
	}
}
