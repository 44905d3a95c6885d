package grant

import (
	"sync"
	"time"
)

// A principal may be wrong maxGuesses times within guessWindow; then no token of
// it is looked at for guessPause.
const (
	maxGuesses  = 5
	guessWindow = time.Minute
	guessPause  = time.Minute
	// manyGuessers is when those that have stopped are dropped.
	manyGuessers = 1000
)

// guesses counts tokens that are none, by principal.
type guesses struct {
	mu sync.Mutex
	of map[string]*guesser
}

type guesser struct {
	at    []time.Time // the last ones, the oldest first
	until time.Time   // no token is looked at before
}

// wait is how long no token of a principal is looked at; 0 is none.
func (s *guesses) wait(principal string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.of[principal]; g != nil {
		return max(0, g.until.Sub(now))
	}
	return 0
}

// failed counts one and reports whether it was the one too many.
func (s *guesses) failed(principal string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.of[principal]
	if g == nil {
		s.sweep(now)
		g = &guesser{}
		s.of[principal] = g
	}
	if g.until.After(now) { // one that was looked at while the pause began
		return false
	}
	for len(g.at) > 0 && now.Sub(g.at[0]) >= guessWindow {
		g.at = g.at[1:]
	}
	if g.at = append(g.at, now); len(g.at) < maxGuesses {
		return false
	}
	g.at, g.until = nil, now.Add(guessPause)
	return true
}

func (s *guesses) sweep(now time.Time) {
	if s.of == nil {
		s.of = map[string]*guesser{}
	}
	if len(s.of) < manyGuessers {
		return
	}
	for name, g := range s.of {
		if !g.until.After(now) && (len(g.at) == 0 || now.Sub(g.at[len(g.at)-1]) >= guessWindow) {
			delete(s.of, name)
		}
	}
}
