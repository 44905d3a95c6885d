package main

import (
	"fmt"
	"io"
	"strings"
)

func printDetect(w io.Writer, d *detection) {
	if d == nil {
		return
	}
	fmt.Fprintf(w, "\nThe detector, each source left out: flagged is what scores more than all but 1 %% of the benign texts of the other sources.\n\n")
	fmt.Fprintln(w, "| left out | attack | by | score above | recall | its own benign texts flagged |")
	fmt.Fprintln(w, "|---|---|---|--:|--:|--:|")
	for _, r := range d.Held {
		recall := ""
		if r.Attacks > 0 {
			recall = fmt.Sprintf("%d of %d, %.1f %%", r.Caught, r.Attacks, 100*float64(r.Caught)/float64(r.Attacks))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %.2f | %s | %d of %d |\n", r.Source, r.Kind, r.How, r.Threshold, recall, r.False, r.Benign)
	}
	fmt.Fprintln(w, "\n| texts | kind | what | number | any score | a half and more |")
	fmt.Fprintln(w, "|---|---|---|--:|--:|--:|")
	for _, r := range d.Fixed {
		what := map[bool]string{true: "attack", false: "benign"}[r.Attack]
		if r.Open {
			what = "not labelled"
		}
		if r.Definition {
			what += ", definition"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %d | %d |\n", r.Source, r.Kind, what, r.Texts, r.Seen, r.Half)
	}
	fmt.Fprintf(w, "\nBenign texts with any score, one by one:\n\n")
	for _, f := range d.Flagged {
		fmt.Fprintf(w, "- %s, %s: %s: %.2f, %s\n", f.Source, f.Kind, f.Name, f.Score, strings.Join(f.Rules, " "))
	}
	fmt.Fprintln(w, "\n| looked at, one core | MB/s | of one table lookup a byte | wanted |")
	fmt.Fprintln(w, "|---|--:|--:|---|")
	for _, s := range d.Speed {
		wanted := "at least 600"
		if strings.HasPrefix(s.Name, "worst") {
			wanted = "at least 10"
		}
		fmt.Fprintf(w, "| %s | %.0f | %.0f %% | %s |\n", s.Name, s.MBs, 100*s.MBs/s.Plain, wanted)
	}
}
