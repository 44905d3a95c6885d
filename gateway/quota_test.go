package gateway

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary"
)

// counts is what a quota lets through.
type counts struct {
	single  int
	written []tally
}

func (c *counts) total() int {
	n := c.single
	for _, t := range c.written {
		n += t.n
	}
	return n
}

func (c *counts) feed(q *quota, code ostiary.Code, from string) {
	if q.admit(code, from, oddBurst) {
		c.single++
	}
}

// However long a flood lasts and whoever it comes from, the records are bounded
// and their counts are exact.
func TestQuotaBoundsAFlood(t *testing.T) {
	clock, c := newClock(), &counts{}
	q := &quota{now: clock.now, daily: 500, write: func(t tally) { c.written = append(c.written, t) }}
	sent := 0
	for range 24 * 60 { // minutes
		for i := range 100 {
			c.feed(q, []ostiary.Code{ostiary.CodeAuthMissing, ostiary.CodeLimitRate}[i%2], fmt.Sprintf("192.0.2.%d", i))
			sent++
		}
		clock.move(time.Minute)
	}
	q.flush()
	if got := c.total(); got != sent {
		t.Errorf("the records stand for %d refusals, want %d", got, sent)
	}
	records := c.single + len(c.written)
	if most := 500 + 2*25; records > most || records < 500 {
		t.Errorf("%d records in a day, want 500 to %d", records, most)
	}
	if control := sent; control <= 10*records { // what would be written without the quota
		t.Errorf("%d refusals are no flood", control)
	}
}

// The sources that a count keeps are bounded in number and length, and add up.
func TestQuotaBoundsSources(t *testing.T) {
	clock, c := newClock(), &counts{}
	q := &quota{now: clock.now, write: func(t tally) { c.written = append(c.written, t) }}
	const many = 20_000
	for i := range many {
		q.admit(ostiary.CodeAuthMissing, fmt.Sprintf("%s%d", strings.Repeat("long", 50), i), 0)
		q.admit(ostiary.CodeAuthMissing, fmt.Sprintf("2001:db8::%x", i), 0)
		q.admit(ostiary.CodeAuthMissing, "192.0.2.7", 0)
	}
	q.flush()
	if len(c.written) != 1 {
		t.Fatalf("%d counts", len(c.written))
	}
	got := c.written[0]
	sum := got.other
	for name, n := range maps.All(got.from) {
		sum += n
		if len(name) > sourceBytes {
			t.Errorf("a source of %d bytes is kept", len(name))
		}
	}
	if sum != 3*many || got.n != sum || len(got.from) > quotaSources {
		t.Errorf("%d of %d from %d sources", sum, got.n, len(got.from))
	}
	text := got.sources()
	if !strings.Contains(text, fmt.Sprintf("192.0.2.7 (%d)", many)) || !strings.Contains(text, "and others (") || len(text) > 2000 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

// While there is no room nothing is written, and afterwards nothing is missing.
func TestQuotaWaitsForRoom(t *testing.T) {
	clock, c, room := newClock(), &counts{}, false
	q := &quota{now: clock.now, write: func(t tally) { c.written = append(c.written, t) }, room: func() bool { return room }}
	for range 1000 {
		c.feed(q, ostiary.CodeAuthMissing, "192.0.2.1")
		clock.move(time.Second)
	}
	if c.single+len(c.written) != 0 {
		t.Fatalf("%d records without room", c.single+len(c.written))
	}
	room = true
	c.feed(q, ostiary.CodeAuthMissing, "192.0.2.1")
	clock.move(time.Minute)
	c.feed(q, ostiary.CodeAuthMissing, "192.0.2.1")
	q.flush()
	if c.total() != 1002 || c.single == 0 {
		t.Errorf("%d of 1002 are recorded, %d one by one", c.total(), c.single)
	}
}

// A count is written at the end of its interval although nothing comes any more.
func TestQuotaEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written := make(chan tally, 1)
		q := &quota{now: time.Now, write: func(t tally) { written <- t }}
		for range oddBurst + 5 {
			q.admit(ostiary.CodeAuthMissing, "", oddBurst)
		}
		begun := time.Now()
		if got := <-written; got.n != 5 || time.Since(begun) != quotaInterval {
			t.Errorf("%d after %v", got.n, time.Since(begun))
		}
		q.admit(ostiary.CodeAuthMissing, "", 0)
		q.flush()
		if got := <-written; got.n != 1 {
			t.Errorf("the rest is %d", got.n)
		}
	})
}

// TestRefusalsOfOneNetworkAreOneSource: whoever has a network in IPv6 has 2^64
// addresses, which would be as many sources. The control are two networks.
func TestRefusalsOfOneNetworkAreOneSource(t *testing.T) {
	s := NewStrangers(StrangerOptions{Now: time.Now, Log: slog.New(slog.DiscardHandler), Room: func() bool { return false }})
	for i := range 300 {
		s.refuse(turned{address: fmt.Sprintf("2001:db8::%x", i)}, ostiary.Decision{Code: ostiary.CodeAuthMissing})
	}
	s.refuse(turned{address: "2001:db8:0:1::1"}, ostiary.Decision{Code: ostiary.CodeAuthMissing})
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	c := s.q.counted[ostiary.CodeAuthMissing]
	if len(c.from) != 2 || c.other != 0 || c.from["2001:db8::/64"] != 300 {
		t.Errorf("%d sources, %d others", len(c.from), c.other)
	}
	s.q.over = true
	s.q.timer.Stop()
}
