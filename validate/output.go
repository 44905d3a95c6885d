package validate

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/ostiary/ostiary/wire"
)

// maxOutputs is how many compiled output schemas are kept.
const maxOutputs = 256

// Outputs judges structured content by the output schemas of tools. Each schema is
// compiled once, as long as there are few. It is safe for use by many goroutines; the
// zero value is ready.
type Outputs struct {
	mu       sync.Mutex
	compiled map[[sha256.Size]byte]*schema
}

// Fits reports whether content fits a schema, within the bounds of [Schema]. Nothing
// fits a schema that cannot be used, or is itself read differently by two parsers.
func (o *Outputs) Fits(outputSchema, content []byte) bool {
	s := o.get(outputSchema)
	if s == nil {
		return false
	}
	value, err := wire.Decode(content)
	return err == nil && s.check(context.Background(), value) == nil
}

// get is the compiled schema; nil if it cannot be used.
func (o *Outputs) get(raw []byte) *schema {
	key := sha256.Sum256(raw)
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, known := o.compiled[key]; known {
		return s
	}
	s, err := compileSchema(raw)
	if err != nil {
		s = nil
	}
	if o.compiled == nil || len(o.compiled) >= maxOutputs {
		o.compiled = make(map[[sha256.Size]byte]*schema)
	}
	o.compiled[key] = s
	return s
}
