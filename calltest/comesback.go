package calltest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// phrase is a text that must come back, or must not.
type phrase struct {
	line int
	text string
}

// phrases reads the sections comes-back and stays-back: one text a line, as it
// stands or as a JSON string. A line that begins with # is a remark.
func (p *parser) phrases(s *section) (all []phrase) {
	if s == nil {
		return nil
	}
	for i, text := range strings.Split(string(s.data), "\n") {
		if text = strings.TrimSpace(text); text == "" || text[0] == '#' {
			continue
		}
		if text[0] == '"' {
			var decoded string
			if json.Unmarshal([]byte(text), &decoded) != nil || decoded == "" {
				p.fail(s.line+i, "%s: this begins like a JSON string and is none", s.name)
				continue
			}
			text = decoded
		}
		if s.name[:1] == "c" && holds([]byte(anyAnswer), text) {
			p.fail(s.line+i, "%s: %s stands in every answer, so it shows nothing: write what only this one has", s.name, brief(text))
			continue
		}
		all = append(all, phrase{s.line + i, text})
	}
	if len(all) == 0 {
		p.fail(s.line-1, "%s names no text: write one a line", s.name)
	}
	return all
}

// anyAnswer has what any answer has, and any message of a server.
const anyAnswer = `{"jsonrpc":"2.0","id":0,"method":"","params":{"message":"","_meta":{}},` +
	`"result":{"resultType":"complete","content":[{"type":"text","text":""}],"isError":false,"_meta":{}},"error":{"code":0,"message":"","data":{}}}`

// got is what the receiver of a step's answer, or of the server's message, got.
func (o *observation) got() []byte {
	if !o.step.ask {
		return o.answer
	}
	var all []byte
	for _, line := range o.saw {
		all = append(append(all, line...), '\n')
	}
	return all
}

// holds reports whether a text stands in JSON lines, as it is written there or in
// any string or key of theirs when they are read.
func holds(got []byte, text string) bool {
	if strings.Contains(string(got), text) {
		return true
	}
	for line := range strings.Lines(string(got)) {
		if holdsValue(decode([]byte(line)), text) {
			return true
		}
	}
	return false
}

func holdsValue(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case json.Number:
		return strings.Contains(string(v), text)
	case []any:
		for _, e := range v {
			if holdsValue(e, text) {
				return true
			}
		}
	case map[string]any:
		for key, e := range v {
			if strings.Contains(key, text) || holdsValue(e, text) {
				return true
			}
		}
	}
	return false
}

// judgeBack compares what came back with comes-back and stays-back.
func (o *observation) judgeBack(fail func(sec *section, line int, want, got string), n names) {
	got := o.got()
	for _, p := range o.step.back {
		if text := string(n.in([]byte(p.text))); !holds(got, text) {
			fail(o.step.comesBack, p.line, "this comes back: "+fmt.Sprintf("%q", text), shownBytes(got))
		}
	}
	for _, p := range o.step.away {
		if text := string(n.in([]byte(p.text))); holds(got, text) {
			fail(o.step.staysBack, p.line, "this does not come back: "+fmt.Sprintf("%q", text), shownBytes(got))
		}
	}
}

// judgeBackControl checks that what must not come back does, where the guard is away.
func (o *observation) judgeBackControl(p *played) []Failure {
	got := o.got()
	for _, ph := range o.step.away {
		if text := string(p.names.in([]byte(ph.text))); !holds(got, text) {
			return []Failure{{
				Line: ph.line, Section: o.step.staysBack.name,
				Want: fmt.Sprintf("without the guard this comes back, to show that the case tests what it says: %q", text),
				Got:  shownBytes(got), Why: o.why(p),
			}}
		}
	}
	return nil
}
