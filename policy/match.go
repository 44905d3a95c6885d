package policy

import (
	"slices"
	"strings"
)

// index finds the globs that match a text without looking at all of them: the
// exact ones in a map, the others under the longer of their literal beginning
// and end. What it costs depends on how many different lengths those have and on
// how many globs share one, not on how many rows there are. An index is
// immutable once built.
type index struct {
	exact    map[string][]int
	prefixes bucket
	suffixes bucket
}

type bucket struct {
	lengths []int
	under   map[string][]entry
}

type entry struct {
	glob glob
	id   int
}

// newIndex takes the globs in the order of their ids.
func newIndex(globs []glob) *index {
	x := &index{exact: map[string][]int{}}
	for id, g := range globs {
		switch {
		case g.exact():
			x.exact[g.parts[0]] = append(x.exact[g.parts[0]], id)
		case len(g.prefix()) >= len(g.suffix()):
			x.prefixes.add(g.prefix(), entry{g, id})
		default:
			x.suffixes.add(g.suffix(), entry{g, id})
		}
	}
	return x
}

func (b *bucket) add(key string, e entry) {
	if b.under == nil {
		b.under = map[string][]entry{}
	}
	if i, found := slices.BinarySearch(b.lengths, len(key)); !found {
		b.lengths = slices.Insert(b.lengths, i, len(key))
	}
	b.under[key] = append(b.under[key], e)
}

// find appends the ids of all globs that match s to ids, in no particular order.
func (x *index) find(s string, ids []int) []int {
	ids = append(ids, x.exact[s]...)
	for _, n := range x.prefixes.lengths {
		if n > len(s) {
			break
		}
		ids = matching(x.prefixes.under[s[:n]], s, ids)
	}
	for _, n := range x.suffixes.lengths {
		if n > len(s) {
			break
		}
		ids = matching(x.suffixes.under[s[len(s)-n:]], s, ids)
	}
	return ids
}

func matching(entries []entry, s string, ids []int) []int {
	for _, e := range entries {
		if e.glob.match(s) {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// pair is two patterns, by their places in a list, of which neither is more
// specific and which can match the same target.
type pair struct{ a, b int }

// ties returns such pairs, at most limit of them. Patterns are compared only with
// those that are as specific and whose beginnings (or ends, where those tell more
// apart) agree, so that many rows of one shape cost little.
func ties(ps []pattern, limit int) []pair {
	groups := map[[3]int][]int{}
	for i, p := range ps {
		key := [3]int{0, p.rest.literal, p.up.literal}
		if p.exact() {
			key[0] = 1
		}
		groups[key] = append(groups[key], i)
	}
	var found []pair
	for _, group := range groups {
		found = append(found, tiesAmong(ps, group, limit)...)
	}
	slices.SortFunc(found, func(x, y pair) int {
		if x.a != y.a {
			return x.a - y.a
		}
		return x.b - y.b
	})
	return found[:min(len(found), limit)]
}

func tiesAmong(ps []pattern, group []int, limit int) []pair {
	if len(group) < 2 {
		return nil
	}
	starts, ends := make([]string, len(group)), make([]string, len(group))
	for i, id := range group {
		starts[i], ends[i] = ps[id].rest.prefix(), reversed(ps[id].rest.suffix())
	}
	keys := starts
	if distinct(ends) > distinct(starts) {
		keys = ends
	}
	order := make([]int, len(group))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return strings.Compare(keys[i], keys[j]) })
	var found []pair
	for at, i := range order {
		for _, j := range order[at+1:] {
			if !strings.HasPrefix(keys[j], keys[i]) {
				break
			}
			if a, b := group[i], group[j]; ps[a].overlaps(ps[b]) {
				found = append(found, pair{min(a, b), max(a, b)})
				if len(found) == limit {
					return found
				}
			}
		}
	}
	return found
}

func distinct(keys []string) int {
	seen := make(map[string]struct{}, len(keys))
	for _, k := range keys {
		seen[k] = struct{}{}
	}
	return len(seen)
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
