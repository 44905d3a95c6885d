package freeze

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// Scope says what is frozen. Exactly one field is set.
type Scope struct {
	// All is every call.
	All bool `json:"all,omitempty"`
	// Principal is a name as records have it.
	Principal string `json:"principal,omitempty"`
	// Tool is a pattern as in the rules of a policy: upstream/tool, where * stands
	// for any text.
	Tool string `json:"tool,omitempty"`
	// Upstream is a server's name.
	Upstream string `json:"upstream,omitempty"`
	// Session is one as records have it.
	Session string `json:"session,omitempty"`
}

// maxName is how many bytes a name in a scope may have.
const maxName = 512

// kind returns the one field that is set, or how the scope is wrong.
func (s Scope) kind() (kind, name string, err error) {
	n := 0
	for _, f := range []struct{ kind, name string }{
		{"principal", s.Principal}, {"tool", s.Tool}, {"upstream", s.Upstream}, {"session", s.Session},
	} {
		if f.name != "" {
			kind, name = f.kind, f.name
			n++
		}
	}
	if s.All {
		kind, name = "all", ""
		n++
	}
	switch {
	case n == 0:
		err = invalid("say what to freeze: everything, a principal, a tool, an upstream or a session")
	case n > 1:
		err = invalid("one freeze has one scope: freeze the others by themselves")
	case len(name) > maxName:
		err = invalid(fmt.Sprintf("a name has at most %d bytes; this one has %d", maxName, len(name)))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		err = invalid(fmt.Sprintf("%q is no name: it holds control characters or bytes that are no text", visible.Line(name, 80)))
	case kind == "tool":
		err = checkPattern(name)
	case strings.Contains(name, "*"):
		err = invalid(fmt.Sprintf("only --tool takes a pattern; %q would be the very name of a %s: to freeze all of them freeze everything", visible.Line(name, 80), kind))
	}
	return kind, name, err
}

func checkPattern(p string) error {
	up, tool, found := strings.Cut(p, "/")
	if !found || up == "" || tool == "" {
		return invalid(fmt.Sprintf("%q is no pattern of tools: write upstream/tool, as in files/delete_* or */%s", visible.Line(p, 80), visible.Line(strings.Trim(p, "/"), 80)))
	}
	return nil
}

// ID names the scope in records and in the store: principal:alice.
func (s Scope) ID() string {
	kind, name, err := s.kind()
	if err != nil {
		return ""
	}
	return kind + ":" + name
}

// String says what is frozen, safe to show.
func (s Scope) String() string {
	kind, name, err := s.kind()
	name = visible.Line(name, 120)
	switch {
	case err != nil:
		return "nothing"
	case kind == "all":
		return "everything"
	case kind == "tool" && strings.Contains(name, "*"):
		return `the tools "` + name + `"`
	}
	return "the " + kind + ` "` + name + `"`
}

func invalid(message string) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: message}
}

// Names reports whether a name, for a tool upstream/tool, is one that the scope
// holds; if the scope is everything, any is.
func (s Scope) Names(name string) bool {
	switch kind, own, err := s.kind(); {
	case err != nil:
		return false
	case kind == "all":
		return true
	case kind == "tool":
		up, tool, _ := strings.Cut(name, "/")
		return newPattern(own).match(up, tool)
	default:
		return own == name
	}
}
