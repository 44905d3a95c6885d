package config

import (
	"context"
	"crypto/tls"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/egress"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/pin"
	"github.com/ostiary/ostiary/untrusted/detect"
)

// newPins makes the room; nil where the file takes every definition as it comes.
func (f *File) newPins(w Wiring, s ostiary.Store, j ostiary.Journal) *pin.Pins {
	if f.Pin.Off {
		return nil
	}
	o := pin.Options{Store: s, Journal: j, Clock: w.Now, Ticks: w.LimitClock, Flags: w.Flags, Logger: w.Log}
	look := detect.New(detect.Options{})
	o.Inspect = func(_, text string) []string { return look.Description(text).Rules }
	if f.Pin.Changed == "ask" {
		o.Changed = pin.Ask
	}
	if f.Pin.Shadowing == "refuse" {
		o.Shadowing = pin.RefuseShadows
	}
	return pin.New(o)
}

// peers have the key of a server looked at while a connection is made, and as long as
// there is one.
func (h *House) peers(u *Upstream) *egress.Peers {
	p := h.people.pins
	if p == nil {
		return nil
	}
	return &egress.Peers{
		Meet: func(ctx context.Context, state *tls.ConnectionState) (name string, err error) {
			who := pin.Peer(u.URL, state)
			digest := who.Digest()
			return string(digest[:]), p.Meet(ctx, u.Name, who)
		},
		Left: func(ctx context.Context, name string) (why, err error) {
			return p.Left(ctx, u.Name, ostiary.Digest([]byte(name)))
		},
	}
}

// Pins hold the servers to what they were when they were accepted; every door of the
// house needs them, since the line refuses what they have not seen. Nil where the file
// says dangerously_unpinned.
func (h *House) Pins() *gateway.Pinning {
	p := h.people.pins
	if p == nil {
		return nil
	}
	return &gateway.Pinning{
		Program: func(command []string, dir string) []byte { return []byte(pin.Program(command, dir).String()) },
		Peer:    func(url string, state *tls.ConnectionState) []byte { return []byte(pin.Peer(url, state).String()) },
		See: func(ctx context.Context, s gateway.Sight, k gateway.Kind, entries []gateway.Entry) error {
			seen := pin.Seen{Upstream: s.Upstream, Principal: s.Principal, Identity: pin.Known(string(s.Identity)), Kinds: []pin.Kind{pin.Kind(k)}}
			for _, e := range entries {
				seen.Definitions = append(seen.Definitions, pin.Definition{Kind: pin.Kind(k), Name: e.Name, Text: e.Text})
			}
			return p.See(ctx, seen)
		},
		Accepted: func(ctx context.Context, upstream string, server ostiary.Digest) (bool, error) {
			return p.Accepted(ctx, upstream, server)
		},
		Greet: func(ctx context.Context, s gateway.Sight, said gateway.Greeting) (gateway.Greeting, error) {
			g, err := p.Greet(ctx, s.Upstream, s.Principal, pin.Known(string(s.Identity)), pin.Greeting(said))
			return gateway.Greeting(g), err
		},
		Listed: func(ctx context.Context, upstream string, k gateway.Kind) (bool, error) {
			return p.Listed(ctx, upstream, pin.Kind(k))
		},
		Shown: func(ctx context.Context, upstream string, k gateway.Kind, name string, entry []byte) ([]byte, error) {
			return p.Shown(ctx, upstream, pin.Kind(k), name, entry)
		},
		Accepts: func(ctx context.Context, upstream string, k gateway.Kind, name string, digest ostiary.Digest) (bool, error) {
			return p.Accepts(ctx, upstream, pin.Kind(k), name, digest)
		},
		Taken: func(upstream string) (gateway.Taken, bool) {
			t, known := p.Taken(upstream)
			return gateway.Taken(t), known
		},
		Watch: p.Watch,
	}
}
