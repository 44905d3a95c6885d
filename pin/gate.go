package pin

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// Name is the stage in decisions and records.
func (p *Pins) Name() string { return stage }

// Check refuses, or asks about, a call to a server that is another one
// (pin_upstream), and to a tool that is not as it was accepted (definition_changed)
// or passes for another server's (pin_shadowing). What only keeps the connection
// passes, so that the client can be told. Of a server that was never seen nothing
// is known yet but its tools, which are listed before they are called.
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
		return p.another(c.Upstream), nil
	}
	if c.Class != ostiary.ClassTool {
		return ostiary.Allowed(), nil
	}
	var st *standing
	if srv != nil {
		st = srv.items[item{KindTool, c.Target}]
	}
	if st.accepts(c.Definition) {
		return ostiary.Allowed(), nil
	}
	return p.changed(c, st), nil
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
// accepted.
func (p *Pins) another(upstream string) ostiary.Decision {
	up := visible.Line(upstream, 120)
	return p.decision(ostiary.CodePinUpstream, fmt.Sprintf("the server %s is not the one that was accepted: its program or its key is another one", up),
		fmt.Sprintf("if it was upgraded, `%s` accepts it; if it is a different server, give it another name", p.command("accept", upstream, "")),
		p.command("diff", upstream, ""))
}

// changed is the refusal of a call to a tool that is not as it was accepted.
func (p *Pins) changed(c *ostiary.Call, st *standing) ostiary.Decision {
	name := visible.Line(c.Upstream+"/"+c.Target, 200)
	code, what := ostiary.CodePinChanged, "the tool "+name+" is new: it was not there when the server was accepted"
	switch waiting := waitingForm(st, c.Definition); {
	case waiting != nil && waiting.Held:
		code, what = ostiary.CodePinShadowing, "the tool "+name+" passes for another server's: "+waiting.Shadows[0].String()
	case st != nil && len(st.accepted) > 0:
		what = "the definition of the tool " + name + " is not the one that was accepted"
		if waiting != nil {
			if where := places(st.pin.Accepted[len(st.pin.Accepted)-1].Text, waiting.Text); where != "" {
				what += " (changed: " + where + ")"
			}
		}
	}
	return p.decision(code, what, "other tools are not affected; `"+p.command("accept", c.Upstream, c.Target)+"` accepts it", p.command("diff", c.Upstream, c.Target))
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

// decision refuses or asks, as the operator chose.
func (p *Pins) decision(code ostiary.Code, what, next, look string) ostiary.Decision {
	d := ostiary.Decision{
		Verdict: ostiary.Deny, Code: code, Stage: stage, Reason: what + "; look with `" + look + "`; " + next,
		Message: what + ", so this call was not run and repeating it does not help: ask the person you work for to look with `" + look + "`; " + next,
	}
	if p.o.Changed == Ask {
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
	plain := len(arg) <= 200
	for _, r := range arg {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.', r == '/', r == ':', r == '@', r == '+':
		default:
			plain = false
		}
	}
	if !plain {
		return "UPSTREAM/TOOL"
	}
	return arg
}
