package calltest

import (
	"sync/atomic"
	"time"
)

// actTime is how long every act takes: as long as a freeze may need to be known
// everywhere.
const actTime = time.Second

// clock is the time of a case. It stands still but for what people do; each look
// at it takes a microsecond, so that no two moments are the same.
type clock struct {
	start time.Time
	moved atomic.Int64
	looks atomic.Int64
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() time.Time {
	return c.start.Add(c.steady() + time.Duration(c.looks.Add(1))*time.Microsecond)
}

// steady is for rates, and for how old what is known of a freeze is.
func (c *clock) steady() time.Duration { return time.Duration(c.moved.Load()) }

func (c *clock) pass(d time.Duration) { c.moved.Add(int64(d)) }
