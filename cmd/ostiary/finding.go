package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/redact"
)

// recordedFinding is a finding and the record that has it.
type recordedFinding struct {
	audit.Finding
	record *audit.Record
}

// findFinding returns the finding with an id; as much of the beginning of the call's id
// as no other call has is enough. The error is redact_unknown if there is none.
func (p program) findFinding(ctx context.Context, dir, id string) (*recordedFinding, error) {
	id = strings.ToLower(strings.TrimSpace(id))
	rest, isFinding := strings.CutPrefix(id, "f-")
	call, number := rest, 0
	if at := strings.LastIndexByte(rest, '-'); at >= 0 {
		if n, err := strconv.Atoi(rest[at+1:]); err == nil && n > 0 {
			call, number = rest[:at], n
		}
	}
	if !isFinding || call == "" {
		return nil, unknownFinding("%.80q is not the id of a finding, which is f-CALL-NUMBER: `ostiary audit show CALL` names what was found in a call", id)
	}
	found, err := p.findCall(ctx, dir, call)
	if errors.Is(err, ostiary.CodeConfigInvalid) {
		return nil, unknownFinding("there is no finding %.80q: %s", id, ostiary.AsError(err).Message)
	}
	if err != nil {
		return nil, err
	}
	var all []recordedFinding
	most := 0
	for i := range found {
		r := &found[i].Record
		most = max(most, r.Found)
		for _, f := range r.Findings {
			all = append(all, recordedFinding{f, r})
		}
	}
	call = found[0].Record.Call
	for i := range all {
		if number == 0 && len(all) == 1 || all[i].ID == ostiary.FindingID(call, number) {
			return &all[i], nil
		}
	}
	switch {
	case len(all) == 0:
		return nil, unknownFinding("nothing was found in what the call %s brought: `ostiary audit show %s` tells of it", call, call)
	case number > len(all) && number <= most:
		return nil, unknownFinding("the record of the call %s counts %d findings and keeps the first %d: look at %s, which is likely of the same kind", call, most, len(all), all[len(all)-1].ID)
	}
	return nil, unknownFinding("the call %s has no such finding; it has %s: `ostiary audit show %s` names them", call, all[0].ID+to(all), call)
}

func to(all []recordedFinding) string {
	if len(all) == 1 {
		return ""
	}
	return " to " + all[len(all)-1].ID
}

func unknownFinding(format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeRedactUnknown, Message: visible(fmt.Sprintf(format, args...))}
}

func (f *recordedFinding) subject() string {
	return redact.SubjectOf(f.record.Class, f.record.Method, f.record.Target)
}

// same are the other findings of the record with the same value.
func (f *recordedFinding) same() []string {
	same := []string{}
	for _, other := range f.record.Findings {
		if f.Value != "" && other.Value == f.Value && other.ID != f.ID {
			same = append(same, other.ID)
		}
	}
	return same
}

// named reports whether what was called says where the text came from: a tool, a
// resource or a prompt, and not a list or a message that anything can stand in.
func (f *recordedFinding) named() bool { return f.record.Target != "" }

// exceptable says why nothing can be excepted from this finding, and what to do
// instead.
func (f *recordedFinding) exceptable() error {
	switch {
	case f.Stage != "redact":
		return misusedFlag("only what is taken for a secret has exceptions. What is marked as text from outside is treated as the rule for %s says: "+
			"`output: {trust: trusted}` or another `mark:` there, if you vouch for the source", f.place())
	case f.Action == "withheld":
		return misusedFlag("this is no secret but the bound of an answer, or the form that its tool declares: `redact: {max_result: …}` or `output: {max: …}` in the rule for %s lets more through", f.place())
	case f.Rule == "known":
		return misusedFlag("what was found is a credential of the configuration or of the door itself, which never comes back: there is no exception for it; give the server one of its own, and change this one")
	case strings.Contains(f.Pointer, "…(+") || strings.Contains(f.Pointer, "[REDACTED:") || strings.Contains(f.subject(), "…(+") || strings.Contains(f.subject(), "[REDACTED:"):
		return misusedFlag("the record does not have the whole name of the place, since it is long or holds a secret itself: give the rule %s the mode report, or write `output: {secrets: report}` in the rule for %s", f.Rule, f.place())
	case !f.named() && f.Value == "":
		return misusedFlag("what was found names no tool and has no value of its own to except: write `output: {secrets: report}` in a rule for %s", f.place())
	}
	return nil
}

// place names the tool as rules do, or what else sent the text.
func (f *recordedFinding) place() string {
	if f.record.Class == ostiary.ClassTool.String() {
		return f.record.Upstream + "/" + f.record.Target
	}
	return f.record.Upstream + " " + f.subject()
}

// commands are those that would except it, the narrowest first.
func (f *recordedFinding) commands(again string) []string {
	base := "ostiary except" + again + " " + oneWord(f.ID)
	var all []string
	if f.Value != "" {
		all = append(all, base+" --value-only --for 30d --reason '…'")
	}
	if f.named() {
		all = append(all, base+" --for 30d --reason '…'")
	}
	return all
}
