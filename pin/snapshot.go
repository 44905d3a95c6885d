package pin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ostiary/ostiary"
)

const (
	// maxAge is how old what is known may be when a call is judged.
	maxAge = 250 * time.Millisecond
	// patience is how long the store is waited for before calls are refused.
	patience = 5 * time.Second
)

// snapshot is what was pinned when the store was asked. It is immutable.
type snapshot struct {
	at      time.Duration // before the store was asked
	version int64
	servers map[string]*server
	err     error
}

// server is what is known of one upstream.
type server struct {
	identity *standing // nil before it was seen first
	listed   []Kind
	items    map[item]*standing
	waits    bool // something of it waits for a person
	taken    Taken
}

type item struct {
	kind Kind
	name string
}

// standing is one pin, ready to be compared with.
type standing struct {
	accepted []ostiary.Digest
	pin      *Pin
}

// lists reports whether a list of this kind was seen once.
func (s *server) lists(k Kind) bool { return s != nil && slices.Contains(s.listed, k) }

func (s *standing) accepts(d ostiary.Digest) bool { return s != nil && slices.Contains(s.accepted, d) }

// known returns what is pinned, as of need or later.
func (p *Pins) known(ctx context.Context, need time.Duration) (*snapshot, error) {
	s := p.last.Load()
	if s == nil || s.at < need {
		var err error
		if s, err = p.refresh(ctx, need); err != nil {
			return nil, err
		}
	}
	return s, s.err
}

// refresh asks the store, unless somebody else did meanwhile.
func (p *Pins) refresh(ctx context.Context, need time.Duration) (*snapshot, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, withdrawn(context.Cause(ctx))
	}
	defer func() { <-p.turn }()
	old := p.last.Load()
	if old != nil && old.at >= need {
		return old, nil
	}
	// Not the context of the call: others need the answer too.
	asking, done := context.WithTimeout(p.life, patience)
	defer done()
	fresh := p.ask(asking, old)
	p.last.Store(fresh)
	p.watchers.look(old, fresh, p.watch)
	return fresh, nil
}

// ask reads what is pinned if it changed. The version is read first: what changes
// in between is read now and seen as a change the next time.
func (p *Pins) ask(ctx context.Context, old *snapshot) *snapshot {
	s := &snapshot{at: p.o.Ticks()}
	if p.o.Store == nil {
		s.err = &ostiary.Error{Code: ostiary.CodeStoreUnavailable,
			Message: "whether the server is the one that was accepted cannot be told, so the call was refused: the operator must start the door with a store"}
		return s
	}
	if s.version, s.err = p.o.Store.Version(ctx, bucket); s.err != nil {
		return s
	}
	if old != nil && old.err == nil && old.version == s.version {
		s.servers = old.servers
		return s
	}
	var found []*Pin
	s.err = p.o.Store.View(ctx, func(tx ostiary.Tx) (err error) {
		found, err = all(tx, ostiary.Query{})
		return err
	})
	s.servers = serversOf(found)
	return s
}

func serversOf(found []*Pin) map[string]*server {
	servers := map[string]*server{}
	for _, one := range found {
		srv := servers[one.Upstream]
		if srv == nil {
			srv = &server{items: map[item]*standing{}}
			servers[one.Upstream] = srv
		}
		st := &standing{pin: one}
		for i := range one.Accepted {
			d, _ := one.Accepted[i].digest() // read has looked
			st.accepted = append(st.accepted, d)
		}
		srv.waits = srv.waits || len(one.Waiting) > 0
		if one.Kind == KindServer {
			srv.identity, srv.listed = st, one.Listed
			continue
		}
		srv.taken.add(one)
		srv.items[item{one.Kind, one.Name}] = st
	}
	return servers
}

// withdrawn is the error of a call that ended while others asked the store.
func withdrawn(cause error) error {
	var e *ostiary.Error
	if errors.As(cause, &e) {
		return e
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "the call was withdrawn before it was judged; it was not run", Err: cause}
}
