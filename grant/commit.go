package grant

import (
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

// take uses a grant once, and each of its ancestors, or none. It looks at all of
// them again, alone among all processes. end is when the grant's time is over
// for the tool of the call.
func (g *Gate) take(ctx context.Context, id string, end time.Time) error {
	err := g.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		now := g.o.Clock()
		first, err := get(tx, id)
		if err != nil {
			return err
		}
		if first == nil {
			return nobodys()
		}
		line, err := chain(tx, first)
		if err != nil {
			return err
		}
		for _, a := range line {
			if e := over(a, now); e != nil {
				return e
			}
		}
		if !now.Before(end) {
			return tooLate(first, end)
		}
		for _, a := range line {
			if err := use(tx, a); err != nil {
				return err
			}
		}
		return nil
	})
	g.dirty.Add(1) // also after an error: what we know of the grant may be old
	return err
}
