package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// self is what the server of a door is: the program that it started, or who
// answers at the URL. Programs are looked at while they start.
type self struct {
	mu    sync.Mutex
	now   []byte         // canonical JSON; nil if nothing is known
	sum   ostiary.Digest // of now
	past  map[ostiary.Digest]bool
	ready chan struct{} // closed when now is known
	leaf  []byte        // by which certificate now is known, empty where there was none; nil for a program
}

// identitiesMost is how many identities of a server a door remembers.
const identitiesMost = 64

func newSelf() *self { return &self{ready: make(chan struct{}), past: map[ostiary.Digest]bool{}} }

// known returns what the server is; before that is known it waits, for ctx at most.
func (s *self) known(ctx context.Context) []byte {
	select {
	case <-s.ready:
	case <-ctx.Done():
	}
	return s.soFar()
}

// soFar is what is known without waiting.
func (s *self) soFar() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// set notes what the server is now. It reports whether it was another one before and
// never was this one.
func (s *self) set(i, leaf []byte) (unheard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := serverDigest(i)
	if !closed(s.ready) {
		close(s.ready)
	} else {
		unheard = !s.past[sum]
	}
	if len(s.past) < identitiesMost {
		s.past[sum] = true
	}
	s.now, s.sum, s.leaf = i, sum, leaf
	return unheard
}

// starts finds out what program the server is, while it starts.
func (d *door) starts(o *Options) {
	if o.Pins == nil || o.Server != nil || len(o.Command) == 0 {
		d.self.set(o.self, nil)
		return
	}
	go func() {
		defer d.breaks()
		d.self.set(o.Pins.Program(o.Command, o.Dir), nil)
	}()
}

// met notes who answered over HTTP. Where that is somebody whom this door has not
// met before, the lists are read again, so that a person can be told.
func (d *door) met(state *tls.ConnectionState) {
	if d.o.Pins == nil {
		return
	}
	leaf := []byte{}
	if state != nil && len(state.PeerCertificates) > 0 {
		leaf = state.PeerCertificates[0].Raw
	}
	if !d.self.by(leaf) && d.self.set(d.o.Pins.Peer(d.remote.o.URL, state), leaf) {
		d.catalog.changed()
	}
}

// by reports whether what is known of a server over HTTP was learned from this
// certificate, so that there is nothing to note.
func (s *self) by(leaf []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaf != nil && bytes.Equal(s.leaf, leaf)
}

// identity is what the server is as far as that is known: of a program it waits
// until its file was read.
func (d *door) identity(ctx context.Context) []byte {
	if d.o.Pins == nil {
		return nil
	}
	if d.remote != nil {
		return d.self.soFar()
	}
	return d.self.known(ctx)
}

// serverFor identifies the server for a call of the client. A server over HTTP is
// not known before it has answered something, so the catalog asks it first, and again
// where who answered last is not who was accepted.
func (d *door) serverFor(ctx context.Context, m *wire.Message, class ostiary.Class) (ostiary.Digest, error) {
	connects := class == ostiary.ClassControl || class == ostiary.ClassList // they come first, and pass
	if d.o.Pins == nil || d.remote == nil || connects {
		return serverDigest(d.identity(ctx)), nil
	}
	if !closed(d.self.ready) {
		if _, _, err := d.catalog.wait(ctx, m); err != nil {
			return ostiary.Digest{}, err
		}
	}
	now := d.identityDigest(ctx)
	accepted, err := d.o.Pins.Accepted(ctx, d.o.Upstream, now)
	if err != nil || accepted {
		return now, err
	}
	// Another one may be there by now, such as the one that was accepted meanwhile.
	d.catalog.changed()
	if _, _, err := d.catalog.wait(ctx, m); err != nil {
		return now, nil //nolint:nilerr // the line refuses it
	}
	return d.identityDigest(ctx), nil
}

// identityDigest is what calls carry of what the server is.
func (d *door) identityDigest(ctx context.Context) ostiary.Digest {
	if d.identity(ctx) == nil {
		return ostiary.Digest{}
	}
	d.self.mu.Lock()
	defer d.self.mu.Unlock()
	return d.self.sum
}
