package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/audit"
)

// auditShowCommand prints everything that is known of one call.
type auditShowCommand struct {
	stateFlag
	Call  string `arg:"" help:"Id of the call, or as much of its beginning as no other call has."`
	JSON  bool   `name:"json" help:"Print one JSON object: the call and its records with their bodies."`
	Proof bool   `help:"As --json, each record with the proof that it stands in its log (RFC 6962) and the signed checkpoint it leads to. Reads these logs whole."`
}

// Run prints the call as a person reads it.
func (c *auditShowCommand) Run(ctx context.Context, p program) error {
	dir, err := c.logsOf()
	if err != nil {
		return err
	}
	found, err := p.findCall(ctx, dir, c.Call)
	if err != nil {
		return err
	}
	if c.Proof {
		return p.proveCall(ctx, dir, found)
	}
	if c.JSON {
		records := make([]json.RawMessage, len(found))
		for i, f := range found {
			records[i] = foundJSON(f)
		}
		return p.printJSON(struct {
			Call     string            `json:"call"`
			Verified bool              `json:"verified"`
			Records  []json.RawMessage `json:"records"`
		}{found[0].Record.Call, false, records})
	}
	s := p.style()
	v := sheet{style: s}
	v.call(found)
	for i := range found {
		v.record(&found[i])
	}
	v.b.WriteString("\n" + s.paint(faint, "Read and not verified: `ostiary audit verify"+c.again()+"` tells whether the evidence is as it was written.") + "\n")
	_, err = io.WriteString(p.out, v.b.String())
	return err
}

// sheet is a page about one call. What is written to it goes through visible.
type sheet struct {
	style
	b strings.Builder
}

// field is a name and a text; without text it is left out.
func (v *sheet) field(name, text string) {
	if text != "" {
		fmt.Fprintf(&v.b, "  %-18s %s\n", name, visible(text))
	}
}

// block is a name and text of several lines.
func (v *sheet) block(name string, lines []string) {
	for i, line := range lines {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(&v.b, "  %-18s %s\n", name, visible(line))
	}
}

// call is what all records of a call say together. The last one knows how it
// ended, the first one has the arguments.
func (v *sheet) call(found []audit.Found) {
	first, last := &found[0].Record, &found[len(found)-1].Record
	v.b.WriteString(v.paint(bold, "call "+visible(last.Call)) + "  " +
		v.paint(verdictColour(last.Decision, last.Status), visible(strings.TrimSpace(last.Decision+" "+cmp.Or(last.Code, last.Status)))) + "\n")
	v.field("tool", toolOf(last))
	v.field("method", last.Method)
	v.field("effect", last.Effect+world(last))
	v.field("who", last.Principal)
	v.field("client", last.Client)
	v.field("session", last.Session)
	v.field("from", last.Address)
	v.field("received", first.Time.Add(-took(first)).In(v.zone).Format(timeLayout))
	if last.Kind != audit.KindIntent {
		v.field("took", duration(last.DurationUS))
	}
	v.arguments(found)
	v.field("verdict", last.Decision)
	v.field("code", last.Code)
	v.field("gate", last.Stage)
	v.field("operator is told", last.Reason)
	v.field("agent was told", last.Message)
	if last.Would != "" {
		v.field("not enforced", last.Would+": "+last.WouldReason)
	}
	v.field("rule", ruleOf(last))
	v.field("policy", policyOf(last.Policy))
	v.field("custody", custodyOf(last.Custody))
	v.field("sandbox", sandboxOf(last.Sandbox))
	v.field("ended", endOf(last))
	v.result(found)
	v.findings(last)
}

// body reads a body; what is wrong with it is for the verification to say.
func body(f *audit.Found) *audit.Body {
	var b audit.Body
	if f.Body == nil || json.Unmarshal(f.Body, &b) != nil {
		return nil
	}
	return &b
}

// arguments are those of the record that has them, as they stand in the log.
func (v *sheet) arguments(found []audit.Found) {
	for i := range found {
		b := body(&found[i])
		if b == nil {
			continue
		}
		var raw struct{ Args, Beside json.RawMessage }
		if json.Unmarshal(found[i].Body, &raw) != nil || len(raw.Args)+len(raw.Beside) == 0 {
			continue
		}
		v.object("arguments", raw.Args, b.Args, b.Cut)
		v.object("beside the arguments", raw.Beside, b.Beside, b.BesideCut)
		return
	}
}

// object shows JSON of a body on several lines, or what is left of it.
func (v *sheet) object(name string, raw json.RawMessage, decoded any, lost int) {
	var pretty bytes.Buffer
	switch text, cut := decoded.(string); {
	case cut && lost > 0:
		v.block(name, []string{text, fmt.Sprintf("… and %d bytes more that were not kept", lost)})
	case len(raw) > 0 && json.Indent(&pretty, raw, "", "  ") == nil:
		v.block(name, strings.Split(pretty.String(), "\n"))
	}
}

// textRunes is how much of a result the log keeps; see audit.Body.
const textRunes = 200

func (v *sheet) result(found []audit.Found) {
	for i := range found {
		b := body(&found[i])
		if b == nil {
			continue
		}
		if b.Text != "" {
			more := ""
			if utf8.RuneCountInString(b.Text) >= textRunes {
				more = " …"
			}
			v.field("result begins", b.Text+more)
		}
		if b.Withheld != "" {
			v.field("left out", b.Withheld+": it could not be redacted, so it was not written")
		}
	}
}

// record is what stands in one record only.
func (v *sheet) record(f *audit.Found) {
	r := &f.Record
	fmt.Fprintf(&v.b, "\n%s\n", v.paint(bold, visible(fmt.Sprintf("%s, record %d of log %s", r.Kind, r.N, r.Log))))
	v.field("written", r.Time.In(v.zone).Format(timeLayout))
	v.field("decision", strings.TrimSpace(r.Decision+" "+r.Code))
	v.field("status", r.Status)
	if r.DurationUS > 0 {
		v.field("took", duration(r.DurationUS))
	}
	v.field("arguments' digest", r.ArgsDigest)
	switch {
	case r.Body == "":
		v.field("body", "none was written")
	case f.Body == nil:
		v.field("body", "was dropped; the record still commits to "+r.Body)
	default:
		v.field("body", "is there; the record commits to "+r.Body)
	}
}
