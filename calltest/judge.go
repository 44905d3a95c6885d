package calltest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Failure is one thing that is not as the case says.
type Failure struct {
	// Line is the place in the case, Section and Pointer what stands there; a
	// Pointer is empty where the section as a whole is meant.
	Line    int    `json:"line"`
	Section string `json:"section"`
	Pointer string `json:"pointer,omitempty"`
	Want    string `json:"want"`
	Got     string `json:"got"`
	// Why is what the record, or the door's own log, says about it.
	Why string `json:"why"`
}

// judge compares what happened with what the case says.
func (c *testCase) judge(p *played) []Failure {
	var all []Failure
	for i, o := range p.all {
		last := i == len(p.all)-1 || p.all[i+1].step != o.step
		if last {
			all = append(all, c.judgeStep(o, p)...)
		} else if !c.passed(o) {
			// Only the last of repeated calls may be refused.
			all = append(all, Failure{
				Line: o.step.message.line, Section: o.step.name, Want: "every call before the last one passes",
				Got: fmt.Sprintf("call %d of %d did not", i+1, len(p.all)), Why: o.why(p),
			})
			break
		}
	}
	return append(all, c.judgeRun(p)...)
}

// judgeRun compares what concerns the run as a whole.
func (c *testCase) judgeRun(p *played) []Failure {
	if p.failed != nil {
		return []Failure{*p.failed}
	}
	if c.events == nil {
		return nil
	}
	came := p.events
	for i, name := range strings.Split(string(c.events.data), "\n") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		at := slices.Index(came, name)
		if at < 0 {
			return []Failure{{Line: c.events.line + i, Section: c.events.name, Want: "the event " + name + " here",
				Got: "of all events only these are left: " + strings.Join(came, ", "), Why: p.log}}
		}
		came = came[at+1:]
	}
	return nil
}

// passed reports whether a message arrived and was answered by the other end.
func (c *testCase) passed(o *observation) bool {
	return o.reached() && o.err == nil && toldIn(o.answer) == nil
}

func (c *testCase) judgeStep(o *observation, p *played) []Failure {
	s := o.step
	var all []Failure
	fail := func(sec *section, pointer, want, got string) {
		all = append(all, Failure{Line: places(sec).line(pointer), Section: sec.name, Pointer: pointer, Want: want, Got: got, Why: o.why(p)})
	}
	if o.record == nil {
		fail(s.message, "", "a record in the audit log", "none")
	}
	if o.err != nil {
		fail(s.message, "", "an answer", o.err.Error())
	}
	switch {
	case s.reply == nil && o.reached():
		fail(s.message, "", "nothing reaches "+s.other()+", since there is no "+s.section("reply"), shownBytes(o.saw[0]))
	case s.reply != nil && !o.reached():
		fail(s.reply, "", s.other()+" is reached", "nothing reached it")
	case s.reply != nil && s.forwarded == nil && !s.changed() && !bytes.Equal(o.saw[0], o.sent.raw):
		fail(s.message, "", "the bytes as they were sent: "+shownBytes(o.sent.raw), shownBytes(o.saw[0]))
	}
	switch {
	case s.dryRun == nil && len(o.dryRun) > 0:
		fail(s.message, "", "no dry run reaches the server, since there is no "+s.section("dry-run"), shownBytes(o.dryRun[0]))
	case s.dryRun != nil && len(o.dryRun) == 0:
		fail(s.dryRun, "", "the door makes a dry run", "it made none")
	}
	expect := func(sec *section, got any) {
		if sec == nil {
			return
		}
		for _, m := range compare(decode(p.names.in(sec.data)), got, "") {
			fail(sec, m.pointer, m.want, m.got)
		}
	}
	expect(s.decision, o.decision())
	if s.decision == nil && o.record != nil && o.record["decision"] != "allow" {
		fail(s.message, "", "the call passes, since there is no "+s.section("decision"), fmt.Sprint(o.record["decision"], " ", o.record["code"]))
	}
	if o.record != nil {
		expect(s.record, o.record)
	}
	saw := func(sec *section, lines [][]byte) {
		if sec == nil || len(lines) == 0 {
			return
		}
		got := decode(lines[0])
		want, _ := decode(sec.data).(map[string]any)
		if m, ok := got.(map[string]any); ok && want["method"] == nil && want["params"] == nil {
			got = m["params"]
		}
		expect(sec, got)
	}
	saw(s.forwarded, o.saw)
	saw(s.dryRunForwarded, o.dryRun)
	if s.answer != nil {
		m, _ := decode(o.answer).(map[string]any)
		if m["error"] != nil {
			expect(s.answer, m)
		} else {
			expect(s.answer, m["result"])
		}
	}
	o.judgeBack(func(sec *section, line int, want, got string) {
		all = append(all, Failure{Line: line, Section: sec.name, Want: want, Got: got, Why: o.why(p)})
	}, p.names)
	return all
}

// changed reports whether the case says of the server's message that it does not
// arrive as it was sent.
func (s *step) changed() bool { return s.ask && (s.comesBack != nil || s.staysBack != nil) }

// decision is what the line decided and what the sender was told, put together.
func (o *observation) decision() map[string]any {
	d := map[string]any{}
	for _, key := range []string{"code", "stage", "reason", "would", "would_reason"} {
		if v, ok := o.record[key]; ok {
			d[key] = v
		}
	}
	if v, ok := o.record["decision"]; ok {
		d["verdict"] = v
	}
	if t := toldIn(o.answer); t != nil {
		d["verdict"], d["code"], d["stage"], d["message"] = "deny", t.Code, t.Stage, t.message
		if t.RetryAfter != "" {
			d["retryAfter"] = t.RetryAfter
		}
	}
	return d
}

// judgeControl checks that everything passes where the guard is away. What comes
// before the first thing that the control changes is as in the case itself.
func (c *testCase) judgeControl(p *played) []Failure {
	if p.failed != nil {
		return []Failure{*p.failed}
	}
	twist := c.twist()
	for i, o := range p.all {
		if c.passed(o) {
			if slices.Index(c.steps, o.step) >= twist {
				if all := o.judgeBackControl(p); len(all) > 0 {
					return all
				}
			}
			continue
		}
		if slices.Index(c.steps, o.step) < twist {
			if all := c.judgeStep(o, p); len(all) > 0 {
				return all
			}
			continue
		}
		at := o.step.message
		if c.control != nil {
			at = c.control
		}
		if o.step.control != nil {
			at = o.step.control
		} else if c.control == nil {
			for _, b := range o.step.before {
				at = cmp.Or(b.control, at)
			}
		}
		got := "nothing reached it"
		if o.reached() {
			got = "it was reached, but the answer did not come back"
		}
		return []Failure{{
			Line: at.line, Section: at.name,
			Want: fmt.Sprintf("without the guard %s (message %d of %d) reaches %s and is answered, to show that the case tests what it says", o.step.name, i+1, len(p.all), o.step.other()),
			Got:  got, Why: o.why(p),
		}}
	}
	return nil
}

// why is what the record says; where there is none, what the door's log says.
func (o *observation) why(p *played) string {
	why := p.log
	if o.record != nil {
		why = textOf(o.record, "decision")
		for _, key := range []string{"stage", "code", "reason", "rule", "rule_at"} {
			if v := textOf(o.record, key); v != "" {
				why += ", " + key + ": " + v
			}
		}
		if p.log != "" {
			why += "\n" + p.log
		}
	}
	if t := toldIn(o.answer); t != nil {
		why += "\nmessage: " + t.message
	}
	return why
}

// other is who receives the message.
func (s *step) other() string {
	if s.ask {
		return "the client"
	}
	return "the server"
}

// section is the name of another section of this step.
func (s *step) section(kind string) string {
	if s.ask {
		return kind + s.name[len("ask"):]
	}
	return kind + s.name[len("call"):]
}

func shownBytes(b []byte) string {
	const most = 400
	if len(b) > most {
		return string(bytes.ToValidUTF8(b[:most], nil)) + "…"
	}
	return string(b)
}
