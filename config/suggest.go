package config

import (
	"fmt"
	"slices"
	"strings"
)

// suggest names the known word that was probably meant, or lists those to use.
func suggest(got string, known, use []string) string {
	if m := nearest(got, known); m != "" {
		return fmt.Sprintf(": did you mean %q?", m)
	}
	return ": use " + orList(use)
}

// nearest is the known word with the smallest edit distance, if that is small
// for the word's length; else "".
func nearest(got string, known []string) string {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, least := "", 1+min(3, (len(got)+2)/3)
	if len(got) > 64 {
		return ""
	}
	for _, k := range known {
		if n := distance(fold(got), fold(k)); n < least {
			best, least = k, n
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// (optimal string alignment).
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	before, last, row := make([]int, len(rb)+1), make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(rb)]
}

// orList joins words for people: "a, b or c".
func orList(words []string) string {
	words = slices.Clone(words)
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Nearest is the known word that was probably meant, "" if none is near. Other
// texts that people write, such as test cases, suggest with it too.
func Nearest(got string, known []string) string { return nearest(got, known) }
