package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// shelf is one list of an upstream beside its tools whose entries are pinned: its
// prompts, or the templates of its resources. It is read when a request needs it,
// and again when the server says that it has changed.
type shelf struct {
	c       *catalog
	kind    string // of the method that lists it
	of      string // the capability
	changes atomic.Int64
	turn    chan struct{} // one goroutine reads at a time
	last    atomic.Pointer[shown]
}

// shown is a list as it was read. It is immutable.
type shown struct {
	change  int64 // when its reading began
	expires time.Time
	entries []Entry
	forms   []uriTemplate // of the entries, if they are templates
	digests map[string]ostiary.Digest
	refused bool // the server has no such list
}

func newShelf(c *catalog, kind, of string) *shelf {
	return &shelf{c: c, kind: kind, of: of, turn: make(chan struct{}, 1)}
}

// known returns the list as it is now. m is the request that needs it.
func (s *shelf) known(ctx context.Context, m *wire.Message) (*shown, error) {
	if now := s.current(); now != nil {
		return now, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-s.turn }()
	if now := s.current(); now != nil {
		return now, nil
	}
	return s.read(ctx, m)
}

func (s *shelf) current() *shown {
	now := s.last.Load()
	if now == nil || now.change != s.changes.Load() || !now.expires.IsZero() && !s.c.d.o.Now().Before(now.expires) {
		return nil
	}
	return now
}

// read lists it and compares it with what was accepted. A server that answers with
// an error has no such list; where it had one before, what was accepted of that is
// not there any more.
func (s *shelf) read(door context.Context, m *wire.Message) (*shown, error) {
	ctx, cancel := context.WithTimeout(door, s.c.d.o.CatalogWait)
	defer cancel()
	of, now := lists[s.kind+"/list"], &shown{change: s.changes.Load()}
	started, declared, meta := s.c.declares(s.of, m)
	if !started {
		return nil, s.c.missing()
	}
	var l list
	if declared {
		var err error
		room := listBytes
		l, err = s.c.list(ctx, s.kind, meta, &room)
		switch no := (*saidNo)(nil); {
		case errors.As(err, &no):
			now.refused = true
		case err != nil && door.Err() != nil:
			return nil, context.Cause(door)
		case err != nil:
			return nil, &ostiary.Error{Code: ostiary.CodePolicyCatalog, Err: err,
				Message: "the server did not list its " + string(of.pinned) + "s" + ", so whether this one is as it was accepted cannot be told: try again, or ask the operator to look at the server"}
		}
	}
	if now.entries = l.entries(of.name); declared && !now.refused {
		if err := s.c.see(ctx, of.pinned, now.entries); err != nil {
			return nil, err
		}
	}
	now.digests = make(map[string]ostiary.Digest, len(now.entries))
	for i := range now.entries {
		e := &now.entries[i]
		now.digests[e.Name], e.Text = sha256.Sum256(e.Text), nil
		if of.pinned == KindTemplate {
			now.forms = append(now.forms, parseTemplate(e.Name))
		}
	}
	if meta != nil {
		now.expires = s.c.d.o.Now().Add(max(l.ttl, ttlLeast))
	}
	s.last.Store(now)
	return now, nil
}

// declares says whether the door may ask the server for lists yet, whether the
// server says that it has those of this capability, which one that was not asked may
// have, and what the door's requests carry.
func (c *catalog) declares(capability string, m *wire.Message) (started, declared bool, meta []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if meta = c.meta; meta == nil && m.Era == wire.EraModern {
		meta = modernMeta(m)
	}
	has, asked := c.wants[capability]
	return c.started || m.Era == wire.EraModern, has || !asked, meta
}

// shelved finds the entry by which the server offers what is asked for: the prompt,
// or the template that the URI matches. Of several it is one that was accepted and makes
// it, or else one that was not accepted.
func (q *caller) shelved(ctx context.Context) error {
	d, c := q.d, q.c
	if d.o.Pins == nil || c.Rule.Forbid != nil {
		return nil //nolint:nilerr // it is refused anyway
	}
	var kind Kind
	switch c.Method {
	case "prompts/get":
		kind = KindPrompt
	case "resources/read", "resources/subscribe":
		kind = KindTemplate
	default:
		return nil
	}
	now, err := d.catalog.more[kind].known(ctx, q.m)
	if err != nil {
		return err
	}
	if kind == KindPrompt {
		c.Definition = now.digests[c.Target]
		return nil
	}
	doubtful := false // whether the one so far was accepted and may not make this URI
	for i, e := range now.entries {
		if !now.forms[i].matches(c.Target) {
			continue
		}
		accepted, err := d.o.Pins.Accepts(ctx, d.o.Upstream, kind, e.Name, now.digests[e.Name])
		if err != nil {
			return err
		}
		makes := accepted && now.forms[i].makes(c.Target)
		if makes || c.Template == "" || doubtful && !accepted {
			c.Template, c.Definition = e.Name, now.digests[e.Name]
			doubtful = accepted
		}
		if makes {
			break
		}
	}
	return nil
}
