package idempotency

import (
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	// pollEvery is how often a repetition looks whether the first call has ended.
	pollEvery = 50 * time.Millisecond
	// signEvery is how often its client gets a sign of life.
	signEvery = 5 * time.Second
)

// await waits until the first call has ended or its process has died, and then
// answers, takes over or asks.
func (g *Gate) await(ctx context.Context, c *ostiary.Call, s scoped, first *entry) (ostiary.Decision, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	begun := g.clock()
	signed := begun
	seen := int64(-1) // no version: look at once, it may have ended meanwhile
	for {
		version, err := g.store.Version(ctx, bucket)
		if err != nil {
			return ostiary.Decision{}, failed(ctx, err)
		}
		if version != seen {
			seen = version
			if first, err = g.peek(ctx, s); err != nil {
				return ostiary.Decision{}, failed(ctx, err)
			}
		}
		if first == nil || first.State != reserved && first.State != running || g.dead(first) {
			d, next, err := g.reserve(ctx, c, s)
			if err != nil || next == nil {
				return d, err
			}
			first = next // somebody else was quicker
		}
		now := g.clock()
		if now.Sub(begun) >= g.wait {
			return ostiary.Decision{}, stillRunning(s, first)
		}
		if now.Sub(signed) >= signEvery && c.Caller != nil {
			signed = now
			c.Caller.Progress("waiting for the first call with this idempotency key")
		}
		select {
		case <-ctx.Done():
			return ostiary.Decision{}, withdrawn(ctx)
		case <-tick.C:
		}
	}
}

// peek reads the entry of a key and waits for no writer.
func (g *Gate) peek(ctx context.Context, s scoped) (e *entry, err error) {
	err = g.store.View(ctx, func(tx ostiary.Tx) error {
		e, err = get(tx, s.row, g.clock())
		return err
	})
	return e, err
}
