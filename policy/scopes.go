package policy

import (
	"slices"

	"github.com/ostiary/ostiary"
)

// Scopes returns what the rows that can speak for an upstream ask for, in the order
// of the file: all of them, or only those of rows that say one of the effects.
func (p *Policy) Scopes(upstream string, effects ...ostiary.Effect) []string {
	var all []string
	for kind := Tool; kind <= Method; kind++ {
		for i := range p.rows[kind].rows {
			r := &p.rows[kind].rows[i]
			if !p.rows[kind].patterns[i].up.match(upstream) || len(effects) > 0 && !slices.Contains(effects, r.Effect) {
				continue
			}
			for _, s := range r.Scopes {
				if !slices.Contains(all, s) {
					all = append(all, s)
				}
			}
		}
	}
	return all
}
