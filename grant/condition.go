package grant

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/ostiary/ostiary"
)

// maxConditions is how many compiled conditions a gate remembers.
const maxConditions = 1024

// conditions compiles the condition of a grant once for each tool that it meets.
type conditions struct {
	mu    sync.RWMutex
	known map[conditionKey]predicate
}

type predicate = func(ctx context.Context, c *ostiary.Call) (bool, error)

type conditionKey struct {
	upstream, tool, pattern, when string
	// definition is the tool's, since its arguments may change their types.
	definition ostiary.Digest
}

// get returns nil for a condition that does not compile for the tool of a call.
func (s *conditions) get(compile func(string, *ostiary.Call, string) (ostiary.Condition, error), pattern string, c *ostiary.Call, when string) predicate {
	key := conditionKey{c.Upstream, c.Target, pattern, when, c.Definition}
	if key.definition == (ostiary.Digest{}) {
		key.definition = sha256.Sum256(c.InputSchema)
	}
	s.mu.RLock()
	p, known := s.known[key]
	s.mu.RUnlock()
	if known || compile == nil {
		return p
	}
	if condition, err := compile(pattern, c, when); err == nil {
		p = condition.Holds
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxConditions {
		s.known = map[conditionKey]predicate{}
	}
	s.known[key] = p
	return p
}
