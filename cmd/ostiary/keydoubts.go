package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/config"
)

// scopeDoubts are the scopes of a new key that its policy never asks for: allowed,
// since a key may be older than the rule it is meant for, and often misspelt. Without
// a file nothing is known of scopes.
func scopeDoubts(file *config.File, scopes []string) (doubts []string) {
	if file.Path == "" {
		return nil
	}
	var known []string
	for _, r := range file.Rules {
		known = append(known, r.Scopes...)
	}
	for _, s := range file.Scopes {
		known = append(known, s.Name)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, s := range scopes {
		if slices.Contains(known, s) {
			continue
		}
		next := "; no rule there asks for a scope"
		if near := config.Nearest(s, known); near != "" {
			next = fmt.Sprintf("; did you mean %q?", near)
		} else if len(known) > 0 {
			next = "; there are " + firstOf(known)
		}
		doubts = append(doubts, fmt.Sprintf("no rule of %s asks for the scope %q, so it opens nothing%s", file.Path, s, next))
	}
	return doubts
}

// firstOf names some of what there is to choose from, on one line.
func firstOf(names []string) string {
	const most = 10
	if left := len(names) - most; left > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", left)
	}
	return strings.Join(names, ", ")
}
