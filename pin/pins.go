package pin

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

const stage = "pin"

// Change says what becomes of a call to what has changed.
type Change uint8

// The zero value refuses.
const (
	Refuse Change = iota
	Ask           // a person, but for another key, which [Pins.Meet] refuses
)

// Shadowing says what becomes of a tool that passes for another server's.
type Shadowing uint8

// The zero value refuses names that differ from another server's only by letters
// that look alike, which no honest server has, and tells of the rest. RefuseShadows
// also refuses names that are equal, or equal but for case and separators, and
// descriptions that speak of another server's tools.
const (
	WarnOfShadows Shadowing = iota
	RefuseShadows
)

// Options of New. Store, Journal and Clock are needed.
type Options struct {
	Store ostiary.Store
	// Journal gets each change before it is made.
	Journal ostiary.Journal
	Clock   func() time.Time
	// Ticks is a monotonic clock, time since any fixed start; nil is the machine's.
	Ticks     func() time.Duration
	Changed   Change
	Shadowing Shadowing
	// Inspect, if set, names what is suspicious about a text of a server: a
	// description, a title, instructions. What a schema asks for, and hidden characters, the room
	// finds itself.
	Inspect func(upstream, text string) []string
	// Flags are what a person's commands need to find the state; "" for none.
	Flags string
	// Logger hears of findings and changes, once each; nil is silence.
	Logger *slog.Logger
}

// Pins are the accepted forms of everything that servers say of themselves, and
// the gate that holds calls to them. They are used by many goroutines at once.
type Pins struct {
	o    Options
	last atomic.Pointer[snapshot]
	turn chan struct{} // one goroutine asks the store at a time
	life context.Context
	die  context.CancelFunc
	pace pace

	watchers watchers
}

var _ ostiary.Gate = (*Pins)(nil)

// New makes the room. Whoever makes it calls Close.
func New(o Options) *Pins {
	if o.Ticks == nil {
		start := time.Now()
		o.Ticks = func() time.Duration { return time.Since(start) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pins{o: o, turn: make(chan struct{}, 1)}
	p.life, p.die = context.WithCancel(context.Background())
	return p
}

// Close ends what is asked of the store. Calls are refused once what is known is
// too old.
func (p *Pins) Close() {
	p.watchers.close()
	p.die()
}
