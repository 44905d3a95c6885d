package calltest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/pin"
	"github.com/ostiary/ostiary/store"
)

// The person who acts in cases, as evidence names them.
const (
	personName    = "operator"
	personChannel = "cli"
)

// desk is where the person decides: a process of their own over the state
// directory, with its own log, as the command line is.
type desk struct {
	store     *store.SQLite
	log       *audit.Log
	approvals *approval.Desk
	grants    *grant.Desk
	freezes   *freeze.Desk
	pins      *pin.Desk
}

func (s *stage) openDesk() (_ *desk, err error) {
	d := &desk{}
	w := config.Wiring{State: s.state(), Version: "case", Log: s.logger(), Now: s.clock.now, Rand: rand.Reader}
	if d.store, err = store.Open(store.Options{Dir: w.State, Clock: w.Now, Logger: w.Log}); err != nil {
		return nil, err
	}
	if d.log, err = s.file.OpenAudit(w); err != nil {
		return nil, errors.Join(err, d.store.Close())
	}
	if d.approvals, err = approval.NewDesk(approval.DeskOptions{Store: d.store, Journal: d.log, Clock: w.Now}); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.grants = grant.NewDesk(grant.DeskOptions{Store: d.store, Journal: d.log, Clock: w.Now, Rand: w.Rand, Check: s.condition})
	d.freezes = freeze.NewDesk(freeze.DeskOptions{Store: d.store, Journal: d.log, Clock: w.Now})
	d.pins = pin.NewDesk(pin.DeskOptions{Store: d.store, Journal: d.log, Clock: w.Now})
	return d, nil
}

func (d *desk) close() error { return errors.Join(d.log.Close(), d.store.Close()) }

// act does one thing.
func (s *stage) act(ctx context.Context, a *act) (err error) {
	switch a.verb {
	case "later":
		s.clock.pass(a.life)
		return nil
	case "restart":
		return s.restart(ctx, a)
	case "write":
		name := filepath.Join(s.names.work, filepath.FromSlash(a.words[0]))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		return os.WriteFile(name, s.names.in([]byte(a.words[1])), 0o600)
	}
	if s.desk == nil {
		if s.desk, err = s.openDesk(); err != nil {
			return err
		}
	}
	if err := s.slip(a); err != nil {
		return err
	}
	reason := cmp.Or(a.flags["reason"], "a case")
	switch a.verb {
	case "approve", "deny":
		return s.decide(ctx, a)
	case "grant":
		return s.grant(ctx, a, reason)
	case "revoke":
		if s.held == "" {
			return errors.New("no grant was made before, so none can be taken back")
		}
		_, err = s.desk.grants.Revoke(ctx, s.held, grant.Who{Name: personName, Channel: personChannel}, reason)
	case "freeze":
		_, err = s.desk.freezes.Freeze(ctx, a.scope(), false, freeze.Who{Name: personName, Channel: personChannel}, reason)
	case "accept":
		upstream, tool, _ := strings.Cut(a.words[0], "/")
		_, err = s.desk.pins.Accept(ctx, pin.Accept{Upstream: upstream, Tool: tool, Reason: reason}, pin.Who{Name: personName, Channel: personChannel})
	case "unfreeze":
		_, err = s.desk.freezes.Unfreeze(ctx, a.scope(), freeze.Who{Name: personName, Channel: personChannel}, reason)
	}
	return err
}

// decide answers the one request that waits; deny also takes back the one that
// was approved.
func (s *stage) decide(ctx context.Context, a *act) error {
	d, who := s.desk.approvals, approval.Who{Name: personName, Channel: personChannel}
	one, err := s.request(ctx, approval.Pending)
	if err == nil && one == nil && a.verb == "deny" {
		one, err = s.request(ctx, approval.Approved)
	}
	switch {
	case err != nil:
		return err
	case one == nil:
		return errors.New("no request waits for a person: no call before this one was refused with approval_pending, or its time is over")
	case a.verb == "approve":
		_, err = d.Approve(ctx, one.ID, who, approval.Confirm)
	default:
		_, err = d.Deny(ctx, one.ID, who, strings.Join(a.words, " "))
	}
	return err
}

// request is the only one in this state; nil if there is none.
func (s *stage) request(ctx context.Context, state approval.State) (*approval.Request, error) {
	all, err := s.desk.approvals.List(ctx, approval.Filter{States: []approval.State{state}})
	switch {
	case err != nil || len(all) == 0:
		return nil, err
	case len(all) > 1:
		return nil, fmt.Errorf("%d requests are %s, so it is not clear which is meant: answer one before the next is made", len(all), state)
	}
	return &all[0], nil
}

func (s *stage) grant(ctx context.Context, a *act, reason string) error {
	_, token := a.flags["token"]
	one, secret, err := s.desk.grants.Create(ctx, grant.Terms{
		Principal: cmp.Or(a.flags["principal"], s.principal), Session: a.flags["session"], Pattern: a.flags["tool"],
		When: string(s.names.in([]byte(a.flags["when"]))), Uses: a.uses, For: a.life, Reason: reason, Token: token,
	}, grant.Who{Name: personName, Channel: personChannel})
	if err != nil {
		return err
	}
	s.held = one.ID
	if token {
		s.names.token = secret
	}
	return nil
}

func (a *act) scope() freeze.Scope {
	_, all := a.flags["all"]
	return freeze.Scope{All: all, Principal: a.flags["principal"], Tool: a.flags["tool"], Upstream: a.flags["upstream"], Session: a.flags["session"]}
}
