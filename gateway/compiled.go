package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/ostiary/ostiary"
)

// compiled are the rules against the lists that the doors of one endpoint have
// read last. Sessions that are shown the same tools share them: compiling them for
// each cost more than everything else of a session, in memory and in time. A nil
// compiled keeps nothing.
type compiled struct {
	mu    sync.Mutex
	lists map[ostiary.Digest]tools
	order []ostiary.Digest // the oldest first
}

// compiledMost is how many lists are kept. A server that shows everybody something
// else has its rules compiled for each.
const compiledMost = 8

func newCompiled() *compiled { return &compiled{lists: map[ostiary.Digest]tools{}} }

// key is what of a list the rules and the entries of its tools come from.
func (l *list) key() ostiary.Digest {
	var b []byte
	for _, sum := range l.sums {
		b = append(b, sum[:]...)
	}
	for _, name := range l.bad {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(name))), name...) //nolint:gosec // no message is that long
	}
	return sha256.Sum256(binary.BigEndian.AppendUint32(b, uint32(len(l.sums)))) //nolint:gosec // itemsMost
}

func (c *compiled) get(key ostiary.Digest) (tools, bool) {
	if c == nil {
		return tools{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.lists[key]
	return t, ok
}

func (c *compiled) put(key ostiary.Digest, t tools) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.lists[key]; there {
		return
	}
	if len(c.order) == compiledMost {
		delete(c.lists, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.lists[key], c.order = t, append(c.order, key)
}
