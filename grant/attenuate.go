package grant

import (
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// attenuate makes a grant a part of its parent. It refuses whatever is wider;
// the parent's condition needs no comparison, since it holds as well.
func attenuate(tx ostiary.Tx, g *Grant, pt pattern, n *Terms, now time.Time) error {
	parent, err := find(tx, n.Parent)
	if err != nil {
		return err
	}
	line, err := chain(tx, parent)
	if err != nil {
		return err
	}
	if len(line) > maxDepth {
		return invalid("a grant is at most %d steps from the first one: make this one a part of an earlier one", maxDepth)
	}
	left := -1 // of all ancestors; -1 is any number
	for _, a := range line {
		if e := over(a, now); e != nil {
			return e
		}
		if a.Uses > 0 && (left < 0 || a.Left() < left) {
			left = a.Left()
		}
	}
	if g.Principal == "" {
		g.Principal = parent.Principal
	}
	if g.Session == "" {
		g.Session = parent.Session
	}
	whole, err := parsePattern(parent.Pattern)
	if err != nil {
		return unreadable(parent.ID, err)
	}
	var wider []string
	add := func(format string, args ...any) { wider = append(wider, fmt.Sprintf(format, args...)) }
	if g.Principal != parent.Principal {
		add("it is for %s, not for %s", g.Principal, parent.Principal)
	}
	if parent.Session != "" && g.Session != parent.Session {
		add("it is for another session")
	}
	if !pt.within(whole) {
		add("%s names tools that %s does not", g.Pattern, parent.Pattern)
	}
	switch {
	case left < 0:
	case g.Uses == 0:
		add("it has no limit of uses, and %d are left", left)
	case g.Uses > left:
		add("it has %d uses, and %d are left", g.Uses, left)
	}
	if n.For == 0 && g.Expires.After(parent.Expires) {
		g.Expires = parent.Expires
	}
	if g.Expires.After(parent.Expires) {
		add("it lives until %s, not %s", g.Expires.UTC().Format(time.TimeOnly), parent.Expires.UTC().Format(time.TimeOnly))
	}
	if len(wider) > 0 {
		return invalid("this would be wider than grant %s: %s; narrow it, or give a new grant", parent.ID, strings.Join(wider, "; "))
	}
	g.Parent = parent.ID
	return nil
}
