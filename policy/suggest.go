package policy

import (
	"fmt"
	"strings"
)

// What a suggestion looks at; names come from outside.
const (
	maxSuggestName  = 64
	maxSuggestAmong = 500
	maxSuggestShown = 12
)

// didYouMean continues a sentence that says that name is none of names.
func didYouMean(name string, names []string) string {
	if best := nearest(name, names); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	switch {
	case len(names) == 0:
		return ": there is none"
	case len(names) > maxSuggestShown:
		return fmt.Sprintf("; there are %s and %d more", strings.Join(names[:maxSuggestShown], ", "), len(names)-maxSuggestShown)
	}
	return "; there are " + strings.Join(names, ", ")
}

// nearest returns the name that may have been meant, or "".
func nearest(name string, names []string) string {
	if len(name) > maxSuggestName {
		return ""
	}
	best, limit := "", max(1, len(name)/3)+1
	for _, n := range names[:min(len(names), maxSuggestAmong)] {
		if len(n) > maxSuggestName {
			continue
		}
		if d := distance(folded(name), folded(n)); d < limit {
			best, limit = n, d
		}
	}
	return best
}

func folded(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	var before, last, row [maxSuggestName + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			d := min(row[j]+1, last[j+1]+1, last[j]+count(a[i] != b[j]))
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row[j+1] = d
		}
		before, last = last, row
	}
	return last[len(b)]
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
