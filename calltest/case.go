package calltest

import (
	"bytes"
	"time"

	"github.com/ostiary/ostiary/wire"
)

// section is one file of the archive.
type section struct {
	name string
	line int // of its first line, in the archive
	data []byte
}

// step is one message and what must come of it.
type step struct {
	name string // "call.json" or "ask.json", with its suffix
	ask  bool   // the server sends it

	message *section
	control *section  // instead of message where the guard is away
	reply   *section  // of whoever is asked; nil: must not be reached
	before  []*script // what people do before the message
	// controlReply is the answer where the guard is away.
	controlReply *section

	// dryRun answers the dry run that the door makes; nil: there must be none.
	dryRun, dryRunForwarded *section

	decision, record, forwarded, answer *section

	// comesBack are texts that its sender must get, staysBack such that it must not.
	comesBack, staysBack *section
	back, away           []phrase

	verdict string // of decision
}

// refused reports whether the step must not pass.
func (s *step) refused() bool { return s.verdict == "deny" }

// link is a symbolic link of the workspace.
type link struct{ name, target string }

// testCase is one archive.
type testCase struct {
	file string

	threat    string
	upstream  string
	principal string
	scopes    []string
	hasScopes bool // else the policy's principals: give them
	repeat    int
	era       wire.Era
	timeout   time.Duration // for one answer
	delay     time.Duration // of the server's replies

	policyFile string   // the directive policy:
	policy     *section // nil: the defaults
	control    *section
	tools      *section
	events     *section
	others     map[string]*section // policy-NAME.yaml and tools-NAME.json, for restarts
	files      []section
	links      []link
	steps      []*step
}

// judged is the step that the directive repeat: is about.
func (c *testCase) judged() *step { return c.steps[len(c.steps)-1] }

// hasControl reports whether something shows that the attack works without the guard.
func (c *testCase) hasControl() bool {
	return c.twist() < len(c.steps)
}

// twist is the first step that the control changes; the number of steps if none.
// Up to there both runs are the same, which matters where people act before it:
// what is asked about is refused first.
func (c *testCase) twist() int {
	people := false
	for i, s := range c.steps {
		changed := s.control != nil
		for _, b := range s.before {
			people, changed = true, changed || b.control != nil
		}
		switch {
		case c.control != nil, changed && !people:
			return 0
		case changed:
			return i
		}
	}
	return len(c.steps)
}

// shown reports whether something shows that a message passes where its guard is
// away: the control, or the very same message in another place.
func (c *testCase) shown(i int) bool {
	twist := c.twist()
	if i >= twist {
		return true
	}
	for j, s := range c.steps {
		sent := s.message
		if j >= twist && s.control != nil {
			sent = s.control
		}
		if (j >= twist || s.reply != nil && !s.refused()) && string(bytes.TrimSpace(sent.data)) == string(bytes.TrimSpace(c.steps[i].message.data)) {
			return true
		}
	}
	return false
}
