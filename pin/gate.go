package pin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/wire"
)

// Name is the stage in decisions and records.
func (p *Pins) Name() string { return stage }

// Check refuses, or asks about, a call to a server that is another one
// (pin_upstream), and to a tool, a prompt or a resource template that is not as it
// was accepted (definition_changed) or passes for another server's (pin_shadowing). What only keeps the connection
// passes, so that the client can be told. Of a server that was never seen nothing
// is known yet but its tools, which are listed before they are called. About another
// key nobody is asked: the call could not be sent, see [Pins.Meet].
func (p *Pins) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if passes(c) {
		return ostiary.Allowed(), nil
	}
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return ostiary.Decision{}, err
	}
	srv := s.servers[c.Upstream]
	if srv != nil && srv.identity != nil && !srv.identity.accepts(c.Server) {
		return p.another(c.Upstream, p.o.Changed == Ask && !srv.identity.keyed()), nil
	}
	at, held := entryOf(c)
	if !held {
		return ostiary.Allowed(), nil
	}
	var st *standing
	if srv != nil {
		st = srv.items[at]
	}
	// A server that never listed its prompts or templates has shown nobody any.
	if st.accepts(c.Definition) || at.kind != KindTool && !srv.lists(at.kind) {
		return ostiary.Allowed(), nil
	}
	return p.changed(c, at, st), nil
}

// entryOf is the entry of a list that a call is about, if it is about one. What is
// read without a template is data, whose description nobody need have seen.
func entryOf(c *ostiary.Call) (at item, held bool) {
	switch c.Class {
	case ostiary.ClassTool:
		return item{KindTool, c.Target}, true
	case ostiary.ClassPrompt:
		return item{KindPrompt, c.Target}, true
	case ostiary.ClassResource:
		return item{KindTemplate, c.Template}, c.Template != ""
	default:
		return item{}, false
	}
}

// noun is a kind of entry for people.
func (k Kind) noun() string {
	switch k {
	case KindPrompt:
		return "prompt"
	case KindTemplate:
		return "resource template"
	case KindServer, KindInstructions, KindInfo, KindCapability, KindTool:
	}
	return "tool"
}

// passes names what keeps the connection; what is not named is held.
func passes(c *ostiary.Call) bool {
	switch c.Class {
	case ostiary.ClassList, ostiary.ClassControl, ostiary.ClassNotification:
		return true
	default:
		return false
	}
}

// another is the refusal of every call to a server that is not the one that was
// accepted, or the question about it.
func (p *Pins) another(upstream string, ask bool) ostiary.Decision {
	up := visible.Line(upstream, 120)
	return p.decision(ostiary.CodePinUpstream, fmt.Sprintf("the server %s is not the one that was accepted: its program or its key is another one", up),
		fmt.Sprintf("if it was upgraded, `%s` accepts it; if it is a different server, give it another name", p.command("accept", upstream, "")),
		p.command("diff", upstream, ""), ask)
}

// keyed reports whether a form of a server has a key, by which it is known before
// anything is said to it.
func (s *standing) keyed() bool {
	for _, f := range slices.Concat(s.pin.Accepted, s.pin.Waiting) {
		if _, has := wire.Member([]byte(f.Text), "key"); has {
			return true
		}
	}
	return false
}

// changed is the refusal of a call to an entry that is not as it was accepted.
func (p *Pins) changed(c *ostiary.Call, at item, st *standing) ostiary.Decision {
	name := visible.Line(c.Upstream+"/"+at.name, 200)
	label, noun := labelOf(at.kind, at.name), at.kind.noun()
	code, what := ostiary.CodePinChanged, "the "+noun+" "+name+" is new: it was not there when the server was accepted"
	switch waiting := waitingForm(st, c.Definition); {
	case waiting != nil && waiting.Held:
		code, what = ostiary.CodePinShadowing, "the "+noun+" "+name+" passes for another server's: "+waiting.Shadows[0].String()
	case st != nil && len(st.accepted) > 0:
		what = "the definition of the " + noun + " " + name + " is not the one that was accepted"
		if waiting != nil {
			if where := places(st.pin.Accepted[len(st.pin.Accepted)-1].Text, waiting.Text); where != "" {
				what += " (changed: " + where + ")"
			}
		}
	}
	return p.decision(code, what, "other "+noun+"s are not affected; `"+p.command("accept", c.Upstream, label)+"` accepts it", p.command("diff", c.Upstream, label), p.o.Changed == Ask)
}

func waitingForm(st *standing, d ostiary.Digest) *Form {
	if st == nil {
		return nil
	}
	for i := range st.pin.Waiting {
		if own, err := st.pin.Waiting[i].digest(); err == nil && own == d {
			return &st.pin.Waiting[i]
		}
	}
	return nil
}

// decision refuses or asks.
func (p *Pins) decision(code ostiary.Code, what, next, look string, ask bool) ostiary.Decision {
	d := ostiary.Decision{
		Verdict: ostiary.Deny, Code: code, Stage: stage, Reason: what + "; look with `" + look + "`; " + next,
		Message: what + ", so this call was not run and repeating it does not help: ask the person you work for to look with `" + look + "`; " + next,
	}
	if ask {
		d.Verdict = ostiary.Ask
		d.Reason = what + "; see `" + look + "`"
		d.Message = what + ", so a person decides; " + next
	}
	return d
}

// command is what a person types.
func (p *Pins) command(verb, upstream, tool string) string {
	arg := upstream
	if tool != "" {
		arg += "/" + tool
	}
	return "ostiary pin " + verb + p.o.Flags + " " + quoted(arg)
}

// quoted is an argument as it is typed into a shell, or UPSTREAM/TOOL where a name
// could be read otherwise there.
func quoted(arg string) string {
	plain, quotes := len(arg) <= 200, false
	for _, r := range arg {
		switch {
		case strings.ContainsRune("{}?=&,;#*~%", r): // of URI templates
			quotes = true
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.', r == '/', r == ':', r == '@', r == '+':
		default:
			plain = false
		}
	}
	if !plain {
		return "UPSTREAM/TOOL"
	}
	if quotes {
		return "'" + arg + "'"
	}
	return arg
}
