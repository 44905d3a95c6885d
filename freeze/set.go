package freeze

import "github.com/ostiary/ostiary"

// subject is what of a call a freeze can be about.
type subject struct {
	principal, session, upstream, tool string // tool is "" for other classes
}

func subjectOf(c *ostiary.Call) subject {
	s := subject{principal: c.Principal.ID, session: c.Session, upstream: c.Upstream}
	if c.Class == ostiary.ClassTool {
		s.tool = c.Target
	}
	return s
}

// passes names what no freeze holds: it does nothing and reads nothing of the
// outside world, and without it a client would only see a dead door. What is not
// named here is held, whatever its class.
func passes(c *ostiary.Call) bool {
	switch c.Class {
	case ostiary.ClassList:
		return true
	case ostiary.ClassControl:
		return c.Method == "initialize" || c.Method == "server/discover" || c.Method == "ping"
	case ostiary.ClassNotification:
		return c.Method == "notifications/initialized" || c.Method == "notifications/cancelled"
	default:
		return false
	}
}

// set is freezes, ready to be matched: names are looked up, and patterns are tried
// only for the upstream that they name, or all of them if it has a star.
type set struct {
	size                            int
	all                             *standing
	principals, sessions, upstreams map[string]*standing
	tools                           map[toolName]*standing
	patterns                        map[string][]*standing
	wild                            []*standing
}

type toolName struct{ upstream, tool string }

func newSet() *set {
	return &set{
		principals: map[string]*standing{}, sessions: map[string]*standing{}, upstreams: map[string]*standing{},
		tools: map[toolName]*standing{}, patterns: map[string][]*standing{},
	}
}

func (s *set) add(f *standing) {
	s.size++
	switch sc := f.Scope; {
	case sc.All:
		s.all = f
	case sc.Principal != "":
		s.principals[sc.Principal] = f
	case sc.Session != "":
		s.sessions[sc.Session] = f
	case sc.Upstream != "":
		s.upstreams[sc.Upstream] = f
	case f.pattern.upstream.exact() && f.pattern.tool.exact():
		s.tools[toolName{f.pattern.upstream[0], f.pattern.tool[0]}] = f
	case f.pattern.upstream.exact():
		s.patterns[f.pattern.upstream[0]] = append(s.patterns[f.pattern.upstream[0]], f)
	default:
		s.wild = append(s.wild, f)
	}
}

// match returns the widest freeze that holds the subject, or nil.
func (s *set) match(c *subject) *standing {
	if s.size == 0 {
		return nil
	}
	if s.all != nil {
		return s.all
	}
	if f := s.principals[c.principal]; f != nil {
		return f
	}
	if f := s.upstreams[c.upstream]; f != nil {
		return f
	}
	if f := s.sessions[c.session]; f != nil {
		return f
	}
	if c.tool == "" {
		return nil
	}
	for _, some := range [][]*standing{s.wild, s.patterns[c.upstream]} {
		for _, f := range some {
			if f.pattern.match(c.upstream, c.tool) {
				return f
			}
		}
	}
	return s.tools[toolName{c.upstream, c.tool}]
}
