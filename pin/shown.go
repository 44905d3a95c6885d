package pin

import (
	"context"
	"crypto/sha256"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Shown returns what a client may see of one entry of a list: entry itself if it is
// as it was accepted, or the server's list was never seen; else the form that was
// accepted last, in canonical form; nil if there is none, so that no word of it
// reaches the model before a person looked at it. An entry that parsers read
// differently is none.
func (p *Pins) Shown(ctx context.Context, upstream string, kind Kind, name string, entry []byte) ([]byte, error) {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return nil, err
	}
	srv := s.servers[upstream]
	if !srv.lists(kind) {
		return entry, nil
	}
	text, err := wire.Canonical(entry)
	if err != nil {
		return nil, nil //nolint:nilerr // it is not shown
	}
	st := srv.items[item{kind, name}]
	switch {
	case st.accepts(sha256.Sum256(text)):
		return entry, nil
	case st == nil || len(st.pin.Accepted) == 0:
		return nil, nil
	}
	if last := st.pin.Accepted[len(st.pin.Accepted)-1]; last.Text != "" {
		return []byte(last.Text), nil
	}
	return nil, nil
}

// Listed reports whether a list of this kind was seen once, so that Shown can tell.
func (p *Pins) Listed(ctx context.Context, upstream string, kind Kind) (bool, error) {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return false, err
	}
	return s.servers[upstream].lists(kind), nil
}

// Accepts reports whether an entry with this digest was accepted.
func (p *Pins) Accepts(ctx context.Context, upstream string, kind Kind, name string, digest ostiary.Digest) (bool, error) {
	s, err := p.known(ctx, p.o.Ticks()-maxAge)
	if err != nil {
		return false, err
	}
	srv := s.servers[upstream]
	return srv != nil && srv.items[item{kind, name}].accepts(digest), nil
}
