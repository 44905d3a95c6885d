package config

import (
	"maps"
	"slices"
	"sync"
)

// toolNames are the names of the tools behind a door, by what each server listed
// last: a text from outside that names one may want it called.
type toolNames struct {
	mu   sync.Mutex
	of   map[string][]string
	flat []string // all of them, sorted; replaced and never changed
}

func newToolNames() *toolNames { return &toolNames{of: map[string][]string{}} }

func (n *toolNames) listed(upstream string, tools []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Equal(n.of[upstream], tools) {
		return
	}
	n.of[upstream] = tools
	var all []string
	for _, up := range slices.Sorted(maps.Keys(n.of)) {
		all = append(all, n.of[up]...)
	}
	slices.Sort(all)
	n.flat = slices.Compact(all)
}

// around are those that a client of an upstream may have: all, since one client
// may use every server of the door.
func (n *toolNames) around(string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flat
}
