package main

import (
	"fmt"
	"io"
)

func printRedact(w io.Writer, m *redaction) {
	fmt.Fprintln(w, "The engine that finds secrets, beside the detector of gitleaks in the same run, in 10⁶ bytes a second of CPU time.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| text | bytes | found | whole search | only the words | gitleaks | ratio | wanted |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|---|")
	for _, s := range m.Speed {
		fmt.Fprintf(w, "| %s | %d | %d | %.0f | %.0f | %.1f | %.0f | at least 60 |\n", s.Name, s.Bytes, s.Found, s.Find, s.Hits, s.Gitleaks, s.Find/s.Gitleaks)
	}
	fmt.Fprintln(w, "\nThe whole way out under the defaults (bound, redact, cut, detect, mark), one result a time.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| result | results | bytes | found | 10⁶ bytes a second | wanted | µs a result | wanted | gitleaks' detector alone | ratio | wanted |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|---|--:|---|--:|--:|---|")
	for _, m := range m.WayOut {
		most := map[bool]string{true: "below 200", false: "below 8000"}[m.Bytes/m.Texts < 100<<10]
		fmt.Fprintf(w, "| %s | %d | %d | %d | %.0f | at least 200 | %.0f | %s | %.1f | %.0f | at least 60 |\n", m.Name, m.Texts, m.Bytes, m.Found, m.MBs, m.Micros, most, m.Gitleaks, m.MBs/m.Gitleaks)
	}
	fmt.Fprintf(w, "\nThe slowest of %d texts that are made to be slow for a rule; wanted are at least 10.\n\n", m.Texts)
	fmt.Fprintln(w, "| made for | begins with | 10⁶ bytes a second |")
	fmt.Fprintln(w, "|---|---|--:|")
	for _, t := range m.Worst {
		fmt.Fprintf(w, "| %s | `%q` | %.1f |\n", t.Rule, t.Text, t.MBs)
	}
	fmt.Fprintln(w)
	printAlarms(w, m.Alarms)
	if len(m.Parity) == 0 {
		return
	}
	var all parity
	fmt.Fprintln(w, "| rule | texts with a secret | found by gitleaks | by us | texts without | the rule speaks, gitleaks | we |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|")
	row := func(p parity) {
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d | %d |\n", p.Rule, p.Secrets, p.Theirs, p.Ours, p.Others, p.FalseTheirs, p.FalseOurs)
	}
	for _, p := range m.Parity {
		row(p)
		all.Secrets += p.Secrets
		all.Theirs += p.Theirs
		all.Ours += p.Ours
		all.Others += p.Others
		all.FalseTheirs += p.FalseTheirs
		all.FalseOurs += p.FalseOurs
	}
	all.Rule = "**all**"
	row(all)
	fmt.Fprintln(w)
}
