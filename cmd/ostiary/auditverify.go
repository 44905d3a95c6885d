package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// auditVerifyCommand checks all evidence of a state directory.
type auditVerifyCommand struct {
	stateFlag
	Checkpoint []string `placeholder:"FILE" sep:"none" help:"Checkpoints that were kept elsewhere: a file of audit.checkpoint_to, lines of syslog, or one signed note. May be given several times."`
	Key        string   `placeholder:"FILE" help:"Copy of key.pub that was kept elsewhere (default: that of the state directory)."`
	JSON       bool     `name:"json" help:"Print one JSON object."`
}

// Run fails if anything is broken, and names the first broken record.
func (c *auditVerifyCommand) Run(ctx context.Context, p program) error {
	kept, err := readKept(c.Checkpoint)
	if err != nil {
		return err
	}
	o := audit.VerifyOptions{Checkpoint: kept.lines, Progress: verifying(p.err)}
	if c.Key != "" {
		text, err := os.ReadFile(c.Key)
		if err != nil {
			return unreadableFile("--key", c.Key, err)
		}
		o.Key = string(text)
	}
	dir, err := c.logsOf()
	if err != nil {
		if dir != "" && len(kept.from) > 0 && errors.Is(err, ostiary.CodeConfigInvalid) {
			return &ostiary.Error{Code: ostiary.CodeAuditBroken, Message: fmt.Sprintf(
				"there is no evidence in %s, and %d checkpoints were kept of it: all logs were removed, or --state names another directory", visible(dir), len(kept.from))}
		}
		return err
	}
	rep, err := audit.Verify(ctx, dir, o)
	if isTerminal(p.err) {
		fmt.Fprint(p.err, "\r\x1b[K")
	}
	if err != nil {
		return readable(kept.named(err))
	}
	v := verdictOn(dir, rep, kept)
	if c.JSON {
		err = p.printJSON(v)
	} else {
		err = v.print(p.out, p.style())
	}
	return errors.Join(err, v.err())
}

// verifying shows how far verification is, on a terminal only.
func verifying(to io.Writer) func(done, total int64) {
	if !isTerminal(to) {
		return nil
	}
	last := int64(-1)
	return func(done, total int64) {
		if percent := done * 100 / max(total, 1); percent != last {
			last = percent
			fmt.Fprintf(to, "\rVerifying … %d %%", percent)
		}
	}
}

// verified is what verification says.
type verified struct {
	State       string   `json:"state"`
	Intact      bool     `json:"intact"`
	Logs        int      `json:"logs"`
	Records     int64    `json:"records"`
	Bodies      int64    `json:"bodies"`
	Dropped     int64    `json:"bodies_dropped"`
	Checkpoints int64    `json:"checkpoints"`
	Outside     int      `json:"outside_checkpoints"`
	Bytes       int64    `json:"bytes"`
	Live        []string `json:"live"`
	Torn        []string `json:"torn"`
	Broken      []broken `json:"broken"`
	Claimed     string   `json:"claimed"`
	NotClaimed  string   `json:"not_claimed"`
}

// broken is a place that was changed.
type broken struct {
	Log     string `json:"log"`
	Segment string `json:"segment,omitempty"`
	Line    int    `json:"line,omitempty"`
	Record  *int64 `json:"record,omitempty"`
	What    string `json:"what"`
	text    string
}

// What verification proves, and what it cannot.
const (
	claimedIntact = "Nobody without the signing key changed, removed, inserted or reordered a record of these logs since it was written."
	claimedBroken = "The logs that are not named as broken fit their signatures and each other."
	notOutside    = "Truncation and rollback by someone with the key show only against a checkpoint kept elsewhere (audit.checkpoint_to), and none was given: use --checkpoint FILE. So does the loss of the newest records, which looks like a crash."
	notBehind     = "What was cut off behind the newest of the checkpoints that were given, or rewritten there by someone with the key, does not show."
)

func verdictOn(dir string, rep *audit.Report, kept *keptCheckpoints) verified {
	v := verified{
		State: dir, Intact: len(rep.Broken) == 0, Logs: rep.Logs, Records: rep.Records, Bodies: rep.Bodies, Dropped: rep.Dropped,
		Checkpoints: rep.Checkpoints, Outside: len(kept.from), Bytes: rep.Bytes,
		Live: append([]string{}, rep.Live...), Torn: append([]string{}, rep.Torn...), Broken: []broken{},
		Claimed: claimedIntact, NotClaimed: notBehind,
	}
	if len(kept.from) == 0 {
		v.NotClaimed = notOutside
	}
	if !v.Intact {
		v.Claimed = claimedBroken
	}
	for _, b := range rep.Broken {
		b.What = kept.name(b.What)
		one := broken{Log: b.Log, Segment: b.Segment, Line: b.Line, What: b.What, text: b.String()}
		if b.N >= 0 {
			one.Record = &b.N
		}
		v.Broken = append(v.Broken, one)
	}
	return v
}

// err names the first broken place.
func (v *verified) err() error {
	if v.Intact {
		return nil
	}
	first := v.Broken[0].text
	return readable(&ostiary.Error{Code: ostiary.CodeAuditBroken, Message: fmt.Sprintf(
		"the evidence was changed: %s; keep a copy of the state directory as it is, and compare it with a backup", first)})
}

func (v *verified) print(to io.Writer, s style) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, visible(fmt.Sprintf(format, args...)))
	}
	if v.Intact {
		b.WriteString(s.paint(green, "intact"))
	} else {
		b.WriteString(s.paint(red, "BROKEN"))
	}
	b.WriteString("       " + visible(v.State) + "\n")
	row("logs", "%d%s", v.Logs, living(len(v.Live)))
	row("records", "%d", v.Records)
	row("bodies", "%d present, %d dropped", v.Bodies, v.Dropped)
	row("checkpoints", "%d, and %d from elsewhere", v.Checkpoints, v.Outside)
	for _, id := range v.Torn {
		row("torn", "log %s ends as after a crash; the next start repairs it and says so", id)
	}
	for _, one := range v.Broken {
		row("broken", "%s", one.text)
	}
	row("claimed", "%s", v.Claimed)
	row("not claimed", "%s", v.NotClaimed)
	_, err := io.WriteString(to, b.String())
	return err
}

func living(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d being written, read up to the last checkpoint)", n)
}
