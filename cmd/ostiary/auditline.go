package main

import (
	"cmp"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary/audit"
)

// style is how records are shown to a person.
type style struct {
	color bool
	zone  *time.Location
}

// styleFor uses colour on a terminal only, and not if the person wants none.
func (p program) style() style {
	return style{
		color: isTerminal(p.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		zone:  time.Local,
	}
}

// The columns of a line about a record.
const (
	colTime = iota
	colPrincipal
	colTool
	colVerdict
	colCode
	colReason
	colCall
	columns
)

var (
	headings = [columns]string{"TIME", "PRINCIPAL", "TOOL", "VERDICT", "CODE", "REASON", "CALL"}
	// widest is how wide a column may be, in runes; the call id is never cut,
	// since it is what the next command needs.
	widest = [columns]int{0, 16, 40, 8, 24, 60, 0}
	// narrowest is how wide columns are where what follows is not known yet.
	narrowest = [columns]int{29, 8, 24, 7, 17, 40, 0}
)

const timeLayout = "2006-01-02 15:04:05.000-07:00"

// row says in short what a record is about. All of it is fit for a terminal.
func (s style) row(r *audit.Record) (cells [columns]string) {
	cells[colTime] = r.Time.In(s.zone).Format(timeLayout)
	cells[colPrincipal] = cmp.Or(r.Principal, "-")
	cells[colTool] = cmp.Or(toolOf(r), "-")
	cells[colVerdict] = cmp.Or(r.Decision, r.Kind)
	cells[colCode] = cmp.Or(r.Code, r.Status, "-")
	cells[colReason] = cmp.Or(reasonOf(r), "-")
	cells[colCall] = cmp.Or(r.Call, "-")
	if r.Kind == audit.KindIntent {
		cells[colCode] = cmp.Or(r.Code, "begins")
	}
	for i, c := range cells {
		c = visible(c)
		if widest[i] > 0 {
			c = short(c, widest[i])
		}
		cells[i] = c
	}
	return cells
}

// toolOf names what was called: a tool by its name, anything else by its method.
func toolOf(r *audit.Record) string {
	switch {
	case r.Class == "tool" && r.Target != "":
		return r.Upstream + "/" + r.Target
	case r.Method != "":
		return strings.TrimSpace(r.Upstream + " " + r.Method + " " + r.Target)
	case r.Target != "" && r.Upstream != "": // an event about a call
		return r.Upstream + "/" + r.Target
	case r.Target != "":
		return r.Target
	}
	return ""
}

func reasonOf(r *audit.Record) string {
	switch {
	case r.Reason != "":
		return r.Reason
	case r.Would != "":
		return "report only, else " + r.Would + ": " + r.WouldReason
	case r.Kind == audit.KindOpen:
		return "log " + r.Log + " of process " + strconv.Itoa(r.PID)
	case r.Kind == audit.KindClose:
		return "log " + r.Log
	case r.Kind == audit.KindOutcome:
		return "took " + duration(r.DurationUS)
	}
	return ""
}

func duration(us int64) string { return (time.Duration(us) * time.Microsecond).String() }

// widths returns how wide each column must be for all rows.
func widths(rows [][columns]string) (w [columns]int) {
	for _, row := range rows {
		for i, c := range row {
			w[i] = max(w[i], utf8.RuneCountInString(c))
		}
	}
	return w
}

// writeRow pads the cells to their columns and colours the verdict.
func (s style) writeRow(to io.Writer, cells, paint [columns]string, w [columns]int) error {
	var b strings.Builder
	for i, c := range cells {
		pad := w[i] - utf8.RuneCountInString(c)
		b.WriteString(s.paint(paint[i], c))
		if i < columns-1 {
			b.WriteString(strings.Repeat(" ", max(pad, 0)+2))
		}
	}
	b.WriteByte('\n')
	_, err := io.WriteString(to, b.String())
	return err
}

// Colours of the terminal.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s style) paint(colour, text string) string {
	if !s.color || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// verdictColours colours one column of a row.
func verdictColours(r *audit.Record) (paint [columns]string) {
	paint[colVerdict] = verdictColour(r.Decision, r.Status)
	return paint
}

func verdictColour(decision, status string) string {
	switch {
	case decision == "deny":
		return red
	case decision == "ask" || decision != "" && status != "" && status != "ok":
		return yellow
	case decision != "":
		return green
	}
	return faint
}
