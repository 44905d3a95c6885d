package grant

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
)

// presented judges a call that brought a token. It never falls back to asking:
// whoever presents a token learns what is wrong with it, if it is theirs.
func (g *Gate) presented(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if g.o.Store == nil || g.o.Clock == nil {
		return ostiary.Decision{}, nobodys()
	}
	if wait := g.guesses.wait(c.Principal.ID, g.o.Clock()); wait > 0 {
		return ostiary.Decision{}, guessing(wait)
	}
	var line []*Grant
	if d, ok := digestOf(c.Token); ok && !c.Principal.IsNobody() {
		if err := g.o.Store.View(ctx, func(tx ostiary.Tx) error {
			found, err := byToken(tx, d)
			if err != nil || found == nil {
				return err
			}
			line, err = chain(tx, found)
			return err
		}); err != nil {
			return ostiary.Decision{}, err
		}
	}
	if line == nil || line[0].Principal != c.Principal.ID {
		return ostiary.Decision{}, g.guessed(c)
	}
	h, err := newHeld(line)
	if err != nil {
		return ostiary.Decision{}, err
	}
	if !h.inSession(c) {
		return ostiary.Decision{}, g.guessed(c)
	}
	if err := g.fits(ctx, h, c); err != nil {
		return ostiary.Decision{}, err
	}
	return g.allow(ctx, h, c), nil
}

// fits says to the owner of a token why it does not cover a call.
func (g *Gate) fits(ctx context.Context, h *held, c *ostiary.Call) error {
	now := g.o.Clock()
	for i := range h.line {
		if e := over(h.line[i].Grant, now); e != nil {
			return e
		}
	}
	switch {
	case c.Class != ostiary.ClassTool || !h.covers(c.Upstream, c.Target):
		return mismatch(h.Grant, "it is for the tools "+h.Pattern)
	case !now.Before(h.end(c)):
		return tooLate(h.Grant, h.end(c))
	case !g.holds(ctx, h, c):
		return mismatch(h.Grant, "its condition does not hold for these arguments")
	}
	return nil
}

// guessed counts a token that is none for the caller. The one that is too many
// raises the alert.
func (g *Gate) guessed(c *ostiary.Call) error {
	if !g.guesses.failed(c.Principal.ID, g.o.Clock()) {
		return nobodys()
	}
	g.o.Logger.Warn("capability tokens are being guessed", "principal", c.Principal.ID, "session", c.Session, "call", c.ID)
	if g.o.Journal == nil {
		return nobodys()
	}
	if err := g.o.Journal.Note(ostiary.Event{
		Name: "grant_guessing", Call: c.ID, Principal: c.Principal.ID, Session: c.Session, Upstream: c.Upstream, Target: c.Target,
		By: c.Principal.ID, Channel: "gateway",
		Detail: fmt.Sprintf("%d capability tokens that are none within %s; for %s no token of this principal is looked at", maxGuesses, guessWindow, guessPause),
	}); err != nil {
		return err
	}
	return nobodys()
}
