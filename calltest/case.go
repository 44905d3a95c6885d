package calltest

import (
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
	control *section // instead of message where the guard is away
	reply   *section // of whoever is asked; nil: must not be reached
	// controlReply is the answer where the guard is away.
	controlReply *section

	decision, record, forwarded, answer *section
	verdict                             string // of decision
}

// refused reports whether the step must not pass.
func (s *step) refused() bool { return s.verdict != "" && s.verdict != "allow" }

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
	files      []section
	links      []link
	steps      []*step
}

// judged is the step that the directive repeat: is about.
func (c *testCase) judged() *step { return c.steps[len(c.steps)-1] }

// hasControl reports whether something shows that the attack works without the guard.
func (c *testCase) hasControl() bool {
	if c.control != nil {
		return true
	}
	for _, s := range c.steps {
		if s.control != nil {
			return true
		}
	}
	return false
}
