package grant

import (
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

// held is a grant as the gate judges by it, with its ancestors: each of them
// must cover a call. It is immutable.
type held struct {
	*Grant
	pattern pattern
	line    []part // the grant itself first, the root last
}

type part struct {
	*Grant
	pattern pattern
}

func newHeld(line []*Grant) (*held, error) {
	h := &held{Grant: line[0]}
	for _, g := range line {
		pt, err := parsePattern(g.Pattern)
		if err != nil {
			return nil, unreadable(g.ID, err)
		}
		h.line = append(h.line, part{g, pt})
	}
	h.pattern = h.line[0].pattern
	return h, nil
}

func (h *held) covers(upstream, tool string) bool {
	for i := range h.line {
		if !h.line[i].pattern.match(upstream, tool) {
			return false
		}
	}
	return true
}

func (h *held) inSession(c *ostiary.Call) bool {
	for i := range h.line {
		if s := h.line[i].Session; s != "" && s != c.Session {
			return false
		}
	}
	return true
}

func (h *held) inTime(c *ostiary.Call, now time.Time) bool {
	for i := range h.line {
		if a := h.line[i].Grant; !now.Before(a.Expires) || now.Before(a.Created) {
			return false
		}
	}
	return now.Before(h.end(c))
}

// end is when its time is over for a call. A child counts from the creation of
// the first of its line, so that it does not stretch the bound of a rule.
func (h *held) end(c *ostiary.Call) time.Time {
	var rule time.Duration
	if c.Rule != nil {
		rule = c.Rule.Grant.Max
	}
	root := h.line[len(h.line)-1]
	if end := root.Created.Add(most(rule, c.Effect == ostiary.EffectExecute)); end.Before(h.Expires) {
		return end
	}
	return h.Expires
}

// holds reports whether the conditions of a grant and of its ancestors hold for a
// call. One that does not compile or fails does not hold.
func (g *Gate) holds(ctx context.Context, h *held, c *ostiary.Call) bool {
	for i := range h.line {
		a := &h.line[i]
		if a.When == "" {
			continue
		}
		condition := g.conditions.get(g.o.Compile, a.Pattern, c, a.When)
		if condition == nil {
			return false
		}
		if yes, err := condition(ctx, c); err != nil || !yes {
			return false
		}
	}
	return true
}
