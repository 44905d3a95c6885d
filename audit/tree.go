package audit

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is the right edge of a hash tree of RFC 6962, section 2.1: one hash for
// each complete subtree, largest first. That is all that appending needs.
type tree struct {
	size  int64
	edges []tlog.Hash
}

// add appends a leaf.
func (t *tree) add(leaf tlog.Hash) {
	for range bits.TrailingZeros64(^uint64(t.size)) { // one subtree is completed for each trailing 1
		last := len(t.edges) - 1
		leaf = tlog.NodeHash(t.edges[last], leaf)
		t.edges = t.edges[:last]
	}
	t.edges = append(t.edges, leaf)
	t.size++
}

// root is the hash of the whole tree.
func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		h, _ := tlog.TreeHash(0, nil) // the hash of nothing needs no reader
		return h
	}
	h := t.edges[len(t.edges)-1]
	for i := len(t.edges) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edges[i], h)
	}
	return h
}
