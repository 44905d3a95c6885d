package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Capacity is how much the endpoints of one process hold together at most, beside
// what HTTPOptions.Sessions gives each principal of one endpoint. A field that is
// zero has its default. It is used by many goroutines at once and must not be
// copied.
type Capacity struct {
	// Sessions are the doors that are open; default 10,000.
	Sessions int
	// Streams are the answers without a foreseeable end: streams of sessions,
	// subscriptions and WebSockets; default 10,000. PerPrincipal are those of one
	// principal; default 100.
	Streams, PerPrincipal int
	// Grown, if set, is called when there are more sessions than ever since the last
	// time, by an eighth and at least by 64. It must not wait.
	Grown func()

	mu       sync.Mutex
	sessions int
	grown    int // sessions when Grown was called, or fewer
	streams  int
	of       map[string]int // streams of each principal
}

const (
	sessionsMost  = 10_000
	streamsMost   = 10_000
	streamsOfEach = 100
	grownLeast    = 64
)

var errCrowded = errors.New("the process is full")

// crowded is the refusal where the whole process is full.
func crowded() error {
	return &ostiary.Error{Code: ostiary.CodeLimitConcurrency, RetryAfter: sessionRetry, Err: errCrowded,
		Message: "the gateway holds as many sessions or streams as it may: try again in a while"}
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// session takes a place for a session; false if there is none.
func (c *Capacity) session() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions >= orDefault(c.Sessions, sessionsMost) {
		return false
	}
	c.sessions++
	if c.Grown != nil && c.sessions >= c.grown+max(grownLeast, c.grown/8) {
		c.grown = c.sessions
		c.Grown()
	}
	return true
}

func (c *Capacity) endSession() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions--
	c.grown = min(c.grown, c.sessions+grownLeast)
}

// stream takes a place for a stream of a principal, which release gives back.
func (c *Capacity) stream(principal string) (release func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.of[principal] >= orDefault(c.PerPrincipal, streamsOfEach):
		return nil, &ostiary.Error{Code: ostiary.CodeLimitConcurrency, RetryAfter: sessionRetry,
			Message: "as many streams of yours are open as may be: close one before you open another"}
	case c.streams >= orDefault(c.Streams, streamsMost):
		return nil, crowded()
	}
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.streams++
	c.of[principal]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.streams--
		if c.of[principal]--; c.of[principal] <= 0 {
			delete(c.of, principal)
		}
	}, nil
}

// startRetry and sessionRetry are when it is worth to ask again.
const (
	startRetry   = 5 * time.Second
	sessionRetry = 30 * time.Second
)

// askAgain writes when it is worth to ask again, in whole seconds (RFC 9110,
// section 10.2.3).
func askAgain(h http.Header, err error) {
	wait := ostiary.AsError(err).RetryAfter
	if wait <= 0 {
		wait = startRetry
	}
	h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
