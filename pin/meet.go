package pin

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
)

// Meet judges who answers where an upstream is to be, before anything is said to it:
// an error (pin_upstream) if that is not who was accepted, and then it waits for a
// person as [Pins.See] has it. Who is met first is pinned before it returns, so that of
// several that answer at the same moment, to whichever processes, one passes. That is
// so also where a person is to be asked about changes ([Ask]):
// what tells of a server's tools carries a credential already, and comes before any
// question.
func (p *Pins) Meet(ctx context.Context, upstream string, who Identity) error {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return err
	}
	srv := s.servers[upstream]
	if srv != nil && srv.identity.accepts(who.digest) && len(srv.identity.pin.Waiting) == 0 {
		return nil
	}
	if err := p.See(ctx, Seen{Upstream: upstream, Identity: who}); err != nil {
		return err
	}
	if s, err = p.known(ctx, p.o.Ticks()-maxAge); err != nil {
		return err
	}
	if srv = s.servers[upstream]; srv != nil && srv.identity.accepts(who.digest) {
		return nil
	}
	d := p.another(upstream, false)
	return &ostiary.Error{Code: d.Code, Message: d.Message, Reason: d.Reason}
}

// Left says why nothing may run any more with whom [Pins.Meet] let pass: it is not who
// is accepted by now. It is nil where that is so yet. The error says that it cannot be told.
func (p *Pins) Left(ctx context.Context, upstream string, who ostiary.Digest) (why, err error) {
	accepted, err := p.Accepted(ctx, upstream, who)
	if err != nil || accepted {
		return nil, err
	}
	return &ostiary.Error{Code: ostiary.CodePinUpstream,
		Message: "another key of the server " + visible.Line(upstream, 120) + " was accepted, so the connection to the one before was closed; whether what ran there took effect is unknown: look before you repeat it",
		Reason:  "who accepted the other key is in the evidence (pin_accepted), and in `" + p.command("list", upstream, "") + "`"}, nil
}

// Accepted reports whether an upstream with this identity is the one that was
// accepted, or one that was never seen.
func (p *Pins) Accepted(ctx context.Context, upstream string, who ostiary.Digest) (bool, error) {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return false, err
	}
	srv := s.servers[upstream]
	return srv == nil || srv.identity == nil || srv.identity.accepts(who), nil
}
