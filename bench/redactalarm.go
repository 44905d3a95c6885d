package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zricethezav/gitleaks/v8/detect"
	gitleaks "github.com/zricethezav/gitleaks/v8/report"

	"github.com/ostiary/ostiary/redact/scan"
)

// alarms are what is found in texts in which no secret is meant to be: results and
// definitions of tools, mails and prompts.
type alarms struct {
	Sources []alarmSource
	Each    []alarm
}

type alarmSource struct {
	Source       string
	Texts, Bytes int
	Theirs, Ours int // findings
}

// alarm is one finding; the thing itself is not told.
type alarm struct {
	Source, Name, Rule string
	Start, End         int
	Theirs             bool // gitleaks finds the same bytes, or some of them
}

// measureAlarms looks through all texts of the evaluation data, attacks included, and
// through what the npm servers answer. None of them but AgentDojo's holds a secret.
func measureAlarms(e *scan.Engine, reference *detect.Detector, answers []specimen) (m alarms, err error) {
	all, err := readSpecimens()
	if err != nil {
		return m, err
	}
	for _, s := range append(all, answers...) {
		at := slices.IndexFunc(m.Sources, func(a alarmSource) bool { return a.Source == s.Source })
		if at < 0 {
			at = len(m.Sources)
			m.Sources = append(m.Sources, alarmSource{Source: s.Source})
		}
		row := &m.Sources[at]
		for _, text := range s.Texts {
			row.Texts++
			row.Bytes += len(text)
			theirs := reference.DetectString(text)
			row.Theirs += len(theirs)
			for _, f := range e.Find(nil, text) {
				row.Ours++
				secret := text[f.Start:f.End]
				m.Each = append(m.Each, alarm{s.Source, s.Name, f.Rule, f.Start, f.End, slices.ContainsFunc(theirs, func(t gitleaks.Finding) bool {
					return strings.Contains(secret, t.Secret) || strings.Contains(t.Secret, secret)
				})})
			}
		}
	}
	return m, nil
}

func printAlarms(w io.Writer, m alarms) {
	if len(m.Sources) == 0 {
		return
	}
	fmt.Fprintln(w, "What is found in texts in which no secret is meant to be.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| texts of | texts | bytes | findings of gitleaks | ours |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|")
	for _, s := range m.Sources {
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d |\n", s.Source, s.Texts, s.Bytes, s.Theirs, s.Ours)
	}
	fmt.Fprintln(w)
	if len(m.Each) == 0 {
		return
	}
	fmt.Fprintln(w, "| texts of | in | rule | bytes | gitleaks too |")
	fmt.Fprintln(w, "|---|---|---|--:|---|")
	for _, a := range m.Each {
		fmt.Fprintf(w, "| %s | %s | %s | %d to %d | %s |\n", a.Source, a.Name, a.Rule, a.Start, a.End, map[bool]string{true: "yes", false: "no"}[a.Theirs])
	}
	fmt.Fprintln(w)
}
