package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
)

// doctorCommand looks at everything that a door depends on, and says what is
// claimed and what is not. It repairs nothing.
type doctorCommand struct {
	stateFlag
	Config string `placeholder:"FILE" help:"Policy file that the door is started with; without one the careful defaults are looked at."`
	Door   string `placeholder:"SOCKET" help:"Unix socket of the door that this user connects to: look at that instead, and whether it is out of this user's reach."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// The results of a check.
const (
	isFine  = "ok"
	isWarn  = "warn" // weaker than it could be, or something that a person should know
	isWrong = "fail" // the door does not work, or not safely
)

// finding is one line of the doctor.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	What   string `json:"what"`
	// Next is what to do; a failing check always has it.
	Next string `json:"next,omitempty"`
}

// examination collects findings. Checks that need what an earlier one found
// broken are left out, and the earlier one has said so.
type examination struct {
	State    string    `json:"state"`
	Policy   string    `json:"policy,omitempty"`
	Custody  string    `json:"custody"`
	Fails    int       `json:"fails"`
	Warnings int       `json:"warnings"`
	Findings []finding `json:"findings"`

	again  string // what the next commands need to look at the same state: stateFlag.again
	now    time.Time
	newest time.Time // of the records
	file   *config.File
}

func (x *examination) say(check, result, next, format string, args ...any) {
	switch result {
	case isWrong:
		x.Fails++
	case isWarn:
		x.Warnings++
	}
	x.Findings = append(x.Findings, finding{check, result, fmt.Sprintf(format, args...), next})
}

// wrong is a failing check whose error names the next step.
func (x *examination) wrong(check string, err error) {
	for _, one := range flatten(err) {
		e := ostiary.AsError(one)
		text := e.Message
		if e.Code == ostiary.CodeInternal {
			text = one.Error()
		} else if e.Reason != "" {
			text += " (" + e.Reason + ")"
		}
		x.say(check, isWrong, "do what the message says, then run this again", "%s", text)
	}
}

// Run examines, prints, and fails if a check failed.
func (c *doctorCommand) Run(ctx context.Context, p program) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	x := &examination{State: dir, Policy: c.Config, Custody: audit.CustodySameUser, again: c.again(), now: time.Now()}
	if c.Door != "" {
		x.door(ctx, c.Door)
	} else {
		x.house(ctx, p, c.Config)
	}
	if c.JSON {
		err = p.printJSON(x)
	} else {
		err = x.print(p.out, p.style())
	}
	if err == nil && x.Fails > 0 {
		err = printed{}
	}
	return err
}

// house looks at a door of this user.
func (x *examination) house(ctx context.Context, p program, policy string) {
	if x.private() {
		x.store(ctx, p)
		x.evidence(ctx)
	}
	x.policy(policy)
	x.who()
	x.clock()
	x.notify()
	x.claims()
}

func (x *examination) print(to io.Writer, s style) error {
	var b strings.Builder
	colours := map[string]string{isFine: green, isWarn: yellow, isWrong: red}
	for _, f := range x.Findings {
		fmt.Fprintf(&b, "%s  %-12s %s\n", s.paint(colours[f.Result], fmt.Sprintf("%-4s", f.Result)), f.Check, visible(f.What))
		if f.Next != "" {
			fmt.Fprintf(&b, "      %-12s %s\n", "", s.paint(faint, "next: "+visible(f.Next)))
		}
	}
	verdict := "nothing is broken"
	if x.Fails > 0 {
		verdict = counted(x.Fails, "check") + " failed"
	}
	fmt.Fprintf(&b, "\n%s; %s\n", verdict, counted(x.Warnings, "warning"))
	_, err := io.WriteString(to, b.String())
	return err
}
