package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// printer shows a demonstration as it goes on.
type printer interface {
	begin(dir, policy string) error
	control(without) error
	call(outcome) error
	evidence(proof) error
	end(ending) error
}

// ending is the last thing that is said.
type ending struct {
	Calls   int      `json:"calls"`
	Wrong   []string `json:"wrong"`
	Seconds float64  `json:"seconds"`
	Kept    string   `json:"kept,omitempty"`
}

// lines prints one JSON object a line, each with the member "event".
type lines struct{ out io.Writer }

func (l *lines) put(event string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(l.out, "{%q:%q,%s\n", "event", event, b[1:])
	return err
}

func (l *lines) begin(dir, policy string) error {
	return l.put("begin", map[string]string{"dir": dir, "policy": policy})
}
func (l *lines) control(w without) error { return l.put("without_door", w) }
func (l *lines) call(o outcome) error    { return l.put("call", o) }
func (l *lines) evidence(p proof) error  { return l.put("evidence", p) }
func (l *lines) end(e ending) error      { return l.put("end", e) }

// width is the widest line of a page in characters. What was asked begins at
// columnAsked, why it was decided so at columnWhy.
const (
	width       = 100
	columnAsked = 30
	columnWhy   = 11
)

// page prints text for a person.
type page struct {
	out   io.Writer
	color bool
	// short replaces the folder, which is long and always the same.
	short *strings.Replacer
}

const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (p *page) paint(style, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (p *page) say(rows ...string) error {
	_, err := io.WriteString(p.out, strings.Join(rows, "\n")+"\n")
	return err
}

func (p *page) begin(dir, policy string) error {
	rows := []string{
		p.paint(bold, "An agent that was talked into things calls a small MCP server, through the door."),
		"DIR is " + dir, "", p.paint(bold, "DIR/policy.yaml"),
	}
	for row := range strings.Lines(policy) {
		rows = append(rows, p.paint(dim, "  "+strings.TrimRight(row, "\n")))
	}
	return p.say(append(rows, "")...)
}

func (p *page) control(w without) error {
	text := fmt.Sprintf("Without the door %d of these %d attacks succeed", w.Succeed, w.Attacks)
	if len(w.Failed) > 0 {
		text += " (not: " + strings.Join(w.Failed, ", ") + ")"
	}
	return p.say(text+".", "", p.paint(bold, "With the door"))
}

func (p *page) call(o outcome) error {
	args, err := json.Marshal(o.Arguments)
	if err != nil {
		return err
	}
	asked := o.Tool + " " + p.short.Replace(string(args))
	if o.Times > 0 {
		asked = fmt.Sprintf("%d × %s", o.Times, asked)
	}
	why := o.What
	if o.Code != "" {
		why += ": " + p.short.Replace(o.Message)
	}
	if o.Again {
		why += fmt.Sprintf(" (%d passed; after exactly %g s one more did)", o.Passed, o.Retry)
	}
	if o.Wrong != "" {
		why += " — WRONG: " + o.Wrong
	}
	head := fmt.Sprintf("%2d %s %s ", o.N, p.paint(style(o), fmt.Sprintf("%-7s", o.Verdict)), fmt.Sprintf("%-18s", o.Code))
	var rows []string
	if o.Typed != "" {
		for i, part := range wrap("$ "+o.Typed, width-columnWhy) {
			rows = append(rows, fmt.Sprintf("%-*s", columnWhy, []string{"   person", ""}[min(i, 1)])+p.paint(yellow, part))
		}
	}
	for i, part := range wrap(asked, width-columnAsked) {
		if i > 0 {
			head = strings.Repeat(" ", columnAsked)
		}
		rows = append(rows, head+p.paint(bold, part))
	}
	for _, part := range wrap(why, width-columnWhy) {
		rows = append(rows, strings.Repeat(" ", columnWhy)+part)
	}
	seen, _, _ := strings.Cut(strings.TrimSpace(o.Seen), "\n")
	for _, told := range [][2]string{{"the agent gets: ", o.Gets}, {"the person sees: ", p.short.Replace(seen)}} {
		if told[1] == "" {
			continue
		}
		for _, part := range wrap(told[0]+told[1], width-columnWhy) {
			rows = append(rows, strings.Repeat(" ", columnWhy)+part)
		}
	}
	return p.say(rows...)
}

func style(o outcome) string {
	switch {
	case o.Wrong != "":
		return red + ";7"
	case o.Code == "":
		return green
	case o.Verdict == "asks":
		return yellow
	}
	return red
}

func (p *page) evidence(e proof) error {
	rows := []string{
		"", p.paint(bold, "The evidence in DIR/state"),
		fmt.Sprintf("  %s %d records and %d signed checkpoints, all whole", p.paint(green, "verified"), e.Records, e.Checkpoints),
	}
	if e.Secret > 0 {
		rows = append(rows, fmt.Sprintf("  %s the token of call %d is in no file, nor is the key; its arguments in the log:", p.paint(green, "redacted"), e.Secret),
			strings.Repeat(" ", columnWhy)+string(e.Kept))
	}
	changed := fmt.Sprintf("one byte of a copy (%s to %s in record %d), and verification says:", e.From, e.To, e.Changed)
	rows = append(rows, fmt.Sprintf("  %s %s", p.paint(red, "changed "), changed))
	for _, part := range wrap(e.Found, width-columnWhy) {
		rows = append(rows, strings.Repeat(" ", columnWhy)+part)
	}
	return p.say(rows...)
}

func (p *page) end(e ending) error {
	rows := []string{""}
	if len(e.Wrong) == 0 {
		rows = append(rows, p.paint(green, fmt.Sprintf("All %d verdicts are as they must be (%.1f s).", e.Calls, e.Seconds)))
	} else {
		rows = append(rows, p.paint(red, "Not everything is as it must be; see below."))
	}
	if e.Kept != "" {
		rows = append(rows, "Everything is kept in "+e.Kept+".")
	}
	return p.say(append(rows, "Next: put `ostiary run --` in front of your own server's command, in your client's configuration.",
		"      docs/guides/first-ten-minutes.md shows how.")...)
}

// wrap breaks a text at spaces into rows of at most so many characters; a longer
// word is cut.
func wrap(text string, most int) []string {
	var rows []string
	row := ""
	for word := range strings.FieldsSeq(text) {
		for {
			joined := strings.TrimPrefix(row+" "+word, " ")
			if utf8.RuneCountInString(joined) <= most {
				row = joined
				break
			}
			if row != "" {
				rows, row = append(rows, row), ""
				continue
			}
			runes := []rune(word)
			rows, word = append(rows, string(runes[:most])), string(runes[most:])
		}
	}
	return append(rows, row)
}
