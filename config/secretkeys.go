package config

import (
	"sync"

	"github.com/ostiary/ostiary/redact"
)

// secretKeys remembers what each tool's schema declares as secret, so that a
// schema is read once and not with every call.
type secretKeys struct {
	mu    sync.RWMutex
	known map[string]*redact.SchemaKeys
}

// schemasMost bounds the memory that a server can take by changing its schemas.
const schemasMost = 4096

func (s *secretKeys) of(schema []byte) *redact.SchemaKeys {
	s.mu.RLock()
	keys, ok := s.known[string(schema)]
	s.mu.RUnlock()
	if ok {
		return keys
	}
	keys = redact.Compile(schema)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= schemasMost {
		s.known = map[string]*redact.SchemaKeys{}
	}
	s.known[string(schema)] = keys
	return keys
}
