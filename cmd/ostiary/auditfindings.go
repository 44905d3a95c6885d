package main

import (
	"cmp"
	"fmt"

	"github.com/ostiary/ostiary/audit"
)

// findingsShown is how many findings of a call a page names.
const findingsShown = 12

// findings are what was found in what came back, one a line.
func (v *sheet) findings(r *audit.Record) {
	if r.Found == 0 {
		return
	}
	lines := []string{counted(r.Found, "thing") + " in what came back; `ostiary explain ID` tells more of one"}
	for _, f := range r.Findings[:min(len(r.Findings), findingsShown)] {
		lines = append(lines, f.ID+"  "+findingLine(&f))
	}
	if more := r.Found - findingsShown; more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	v.block("found", lines)
}

// findingLine is what was found, where and what was done, in short.
func findingLine(f *audit.Finding) string {
	text := fmt.Sprintf("%s %s at %s: %s", f.Stage, f.Rule, cmp.Or(f.Pointer, "the whole"), cmp.Or(f.Action, "nothing was done"))
	if f.Score > 0 {
		text += fmt.Sprintf(", score %g", f.Score)
	}
	return text
}
