package config

import (
	"encoding/hex"
	"errors"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/grant"
	"github.com/ostiary/ostiary/idempotency"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/pin"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/store"
)

// people are the parts of a house that need state which outlives a call: what a
// person stopped, gave or decides, and what must not happen twice.
type people struct {
	store       *store.SQLite
	freeze      *freeze.Gate
	grants      *grant.Gate
	idempotency *idempotency.Gate
	approvals   *approval.Gate
	anomalies   *limit.Anomalies
	pins        *pin.Pins
}

func (f *File) newPeople(w Wiring, p *policy.Policy, log *audit.Log, m *masks, sig *signals) (_ *people, err error) {
	s, err := store.Open(store.Options{Dir: w.State, Clock: w.Now, Logger: w.Log})
	if err != nil {
		return nil, err
	}
	// The clock of the limits is a steady one, as that of the freezes must be.
	all := &people{store: s, freeze: freeze.New(freeze.Options{Store: s, Ticks: w.LimitClock, Logger: w.Log})}
	all.pins = f.newPins(w, s, log)
	all.grants = grant.New(grant.Options{
		Store: s, Journal: log, Clock: w.Now, Logger: w.Log,
		Compile: func(pattern string, c *ostiary.Call, when string) (ostiary.Condition, error) {
			tool := ostiary.Tool{Upstream: c.Upstream, Name: c.Target, InputSchema: c.InputSchema}
			compiled, err := p.CompileCondition(tool, when, "a grant for "+pattern)
			if err != nil {
				return ostiary.Condition{}, err
			}
			return *compiled, nil
		},
	})
	if all.idempotency, err = idempotency.New(idempotency.Options{
		Store: s, Owner: log.ID(), Alive: func(owner string) bool { return audit.Alive(w.State, owner) },
		Clock: w.Now, Logger: w.Log, Wait: f.wait(),
	}); err != nil {
		return nil, errors.Join(err, all.close())
	}
	sig.memory = approval.NewMemory(approval.MemoryOptions{Store: s, Clock: w.Now, Clean: m.redactor.ShownText, Logger: w.Log})
	if all.approvals, err = f.newApprovals(w, s, log, m, sig); err != nil {
		return nil, errors.Join(err, all.close())
	}
	if all.anomalies, err = f.newAnomalies(w, s, log, m); err != nil {
		return nil, errors.Join(err, all.close())
	}
	return all, nil
}

// wait is how long a call may wait for somebody. The rooms take nothing for their
// default; a person who writes 0s means not at all.
func (f *File) wait() time.Duration { return max(f.Approvals.Wait, time.Nanosecond) }

func (f *File) newApprovals(w Wiring, s ostiary.Store, j ostiary.Journal, m *masks, sig *signals) (*approval.Gate, error) {
	o := approval.Options{
		Store: s, Journal: j, Mask: m.eye, MaskText: m.shown, Policy: hex.EncodeToString(f.Digest[:]),
		Wait: f.wait(), Expire: f.Approvals.Expire, Pending: f.Approvals.Pending,
		Channels: []string{approval.ChannelCLI}, Flags: w.Flags, Clock: w.Now, Rand: w.Rand, Logger: w.Log,
	}
	if !f.Untrusted.Off {
		o.Signals = sig.about
	}
	if hook := f.Approvals.Webhook; hook != nil {
		client, err := hook.client(w)
		if err != nil {
			return nil, err
		}
		n, err := approval.NewWebhook(approval.WebhookOptions{
			URL: hook.URL, Secret: []byte(hook.Secret), Link: hook.Link, Redact: m.redactor.ShownText, Client: client,
			Clock: w.Now, Rand: w.Rand, Logger: w.Log,
		})
		if err != nil {
			return nil, err
		}
		o.Notifiers, o.Channels = append(o.Notifiers, n), append(o.Channels, approval.ChannelWebhook)
	}
	if f.Approvals.Desktop {
		if n, there := approval.NewDesktop(approval.DesktopOptions{Redact: m.redactor.ShownText, Logger: w.Log}); there {
			o.Notifiers = append(o.Notifiers, n)
		}
	}
	return approval.New(o)
}

func (p *people) close() error {
	if p == nil {
		return nil
	}
	if p.approvals != nil {
		p.approvals.Close()
	}
	if p.anomalies != nil {
		p.anomalies.Close()
	}
	if p.pins != nil {
		p.pins.Close()
	}
	return errors.Join(p.freeze.Close(), p.store.Close())
}

// masks keep secrets out of what is written or shown.
type masks struct {
	redactor *redact.Redactor
	keys     secretKeys
}

func (m *masks) arguments(c *ostiary.Call) []byte {
	return m.redactor.Arguments(c.Arguments, m.keys.of(c.InputSchema))
}

// eye are the arguments as a person sees them who decides.
func (m *masks) eye(c *ostiary.Call) []byte {
	return m.redactor.Shown(c.Arguments, m.keys.of(c.InputSchema))
}

func (f *File) newMasks(w Wiring) (*masks, error) {
	r, err := f.NewRedactor(w.Log)
	if err != nil {
		return nil, err
	}
	return &masks{redactor: r}, nil
}
