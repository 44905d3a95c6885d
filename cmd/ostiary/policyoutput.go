package main

import (
	"cmp"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

// explainedOutput is what policy explain says about what comes back of a call.
type explainedOutput struct {
	Trust string `json:"trust"`
	// Mark is the style, "off" where nothing is marked.
	Mark string `json:"mark"`
	// Secrets is what is done with one: redact, block, report, "by rule" where that
	// depends on which it is, off where no rule looks.
	Secrets string `json:"secrets"`
	// BlockAt is the score of the detector that withholds; 0 is none.
	BlockAt float64 `json:"block_at"`
	Max     int     `json:"max_bytes"`
}

// outputOf puts together what a rule says and what holds in general.
func outputOf(file *config.File, rule ostiary.OutputRule) explainedOutput {
	o := explainedOutput{
		Trust: "untrusted", Mark: cmp.Or(rule.Mark, file.Untrusted.Mark), Secrets: cmp.Or(rule.Secrets, "by rule"),
		BlockAt: cmp.Or(rule.BlockAt, file.Untrusted.Signals.BlockAt), Max: cmp.Or(rule.MaxBytes, file.Redact.MaxResult),
	}
	if rule.Trusted {
		o.Trust, o.Mark = "trusted", "off"
	}
	if file.Untrusted.Off {
		o.Mark, o.BlockAt = "off", 0
	}
	if file.Redact.AllOff() {
		o.Secrets = "off"
	}
	return o
}

func (o explainedOutput) String() string {
	s := fmt.Sprintf("%s, mark: %s, secrets: %s, at most %s", o.Trust, o.Mark, o.Secrets, counted(o.Max, "byte"))
	if o.BlockAt > 0 {
		s += fmt.Sprintf(", withheld where it reads like an instruction (%g and above)", o.BlockAt)
	}
	return s
}
