package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/store"
)

// pending is what many requests that wait cost whoever looks and decides.
type pending struct {
	Requests int
	// List is approval.Desk in this process, all requests in it; the rest are whole
	// commands, from their start to their end: the list for a person, which is the
	// oldest, of all, as JSON, and with nothing to list.
	List, Command, CommandAll, CommandJSON, CommandEmpty []time.Duration
	// ListCPU and CommandCPU are the processor time of the same.
	ListCPU, CommandCPU []time.Duration
	// Decided is from the decision in one process, before it is durable, to the
	// call's answer at the client of another; Durable from when it was durable.
	Decided, Durable []time.Duration
	// Approve is the same from the start of `ostiary approve ID --yes`.
	Approve []time.Duration
}

const (
	pendingRequests = 10_000
	perPrincipal    = 10  // requests that may wait, by default
	shownFirst      = 100 // requests in the list for a person
	listings        = 20
	decisions       = 300
	approveCommands = 20
)

func measurePending(ctx context.Context, o options) (p pending, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute) // ends what hangs
	defer cancel()
	p.Requests = pendingRequests
	state, empty := filepath.Join(o.scratch, "state-pending"), filepath.Join(o.scratch, "state-empty")
	log.Printf("consent: asking %d times", p.Requests)
	if err := seedRequests(ctx, state, p.Requests); err != nil {
		return p, err
	}
	if err := seedRequests(ctx, empty, 0); err != nil {
		return p, err
	}
	log.Printf("consent: listing")
	if err := p.list(ctx, o, state, empty); err != nil {
		return p, err
	}
	log.Printf("consent: deciding")
	return p, p.release(ctx, o, state)
}

// seedRequests has a gate make the requests as for calls of many agents.
func seedRequests(ctx context.Context, dir string, n int) (err error) {
	s, err := openInProcess(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	g, err := approval.New(approval.Options{
		Store: s.store, Journal: noJournal{}, Mask: func(c *ostiary.Call) []byte { return c.Arguments },
		Wait: time.Nanosecond, Expire: 24 * time.Hour, Pending: 2 * perPrincipal, // half of it about one server
	})
	if err != nil {
		return err
	}
	defer g.Close()
	asks := []ostiary.Decision{{
		Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Stage: "policy",
		Reason: "destructive calls ask a person", Message: "ask the operator",
	}}
	for i := range n {
		c := plainCall()
		c.ID, c.Principal.ID = fmt.Sprintf("call-%d", i), fmt.Sprintf("agent-%d", i/perPrincipal)
		c.Target, c.Effect, c.Caller = "put", ostiary.EffectDestructive, nil
		c.Arguments = fmt.Appendf(nil, `{"text":"the file number %d of a project"}`, i)
		binary.BigEndian.PutUint64(c.Digest[:], uint64(i)) //nolint:gosec // not negative
		if _, err := g.Settle(ctx, c, asks); !errors.Is(err, ostiary.CodeApprovalPending) {
			return fmt.Errorf("request %d does not wait: %w", i, err)
		}
	}
	return nil
}

func (p *pending) list(ctx context.Context, o options, state, empty string) (err error) {
	d, err := openDesk(state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	waits := approval.Filter{States: []approval.State{approval.Pending}}
	for range listings {
		began := time.Now()
		cpu, err := each(1, func() error {
			all, err := d.List(ctx, waits)
			if err == nil && len(all) != p.Requests {
				err = fmt.Errorf("%d requests wait instead of %d", len(all), p.Requests)
			}
			return err
		})
		if err != nil {
			return err
		}
		p.List, p.ListCPU = append(p.List, time.Since(began)), append(p.ListCPU, cpu)
	}
	for range listings {
		for _, c := range []struct {
			to, cpu *[]time.Duration
			lines   int
			args    []string
		}{
			{&p.Command, &p.CommandCPU, 1 + min(p.Requests, shownFirst), []string{"--state", state}},
			{&p.CommandAll, nil, p.Requests + 1, []string{"--limit", "0", "--state", state}},
			{&p.CommandJSON, nil, p.Requests, []string{"--json", "--state", state}},
			{&p.CommandEmpty, nil, 0, []string{"--json", "--state", empty}},
		} {
			cmd := exec.CommandContext(ctx, o.ostiary, append([]string{"approvals"}, c.args...)...)
			began := time.Now()
			out, err := cmd.Output()
			*c.to = append(*c.to, time.Since(began))
			if got := bytes.Count(out, []byte("\n")); err != nil || got != c.lines {
				return fmt.Errorf("ostiary approvals %v printed %d lines instead of %d: %w", c.args, got, c.lines, err)
			}
			if c.cpu != nil {
				*c.cpu = append(*c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
			}
		}
	}
	return nil
}

// person is a process in which somebody decides, with evidence of its own: this one.
type person struct {
	*approval.Desk
	store *store.SQLite
	log   *audit.Log
}

func openDesk(state string) (*person, error) {
	s, err := store.Open(store.Options{Dir: state})
	if err != nil {
		return nil, err
	}
	w, err := wiring(state, "bench")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	f := config.Defaults()
	l, err := f.OpenAudit(w)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	d, err := approval.NewDesk(approval.DeskOptions{Store: s, Journal: l})
	if err != nil {
		return nil, errors.Join(err, l.Close(), s.Close())
	}
	return &person{Desk: d, store: s, log: l}, nil
}

func (d *person) close() error { return errors.Join(d.log.Close(), d.store.Close()) }
