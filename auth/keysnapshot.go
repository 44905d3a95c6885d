package auth

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

// keysStale is how old what we know of the store may be: how long a key that
// another process revoked still counts.
const keysStale = 250 * time.Millisecond

// keysUnknown is the same for who presents a key that we do not know: it may have
// been made a moment ago. Whoever guesses makes us ask a hundred times a second.
const keysUnknown = 10 * time.Millisecond

// apiKeys looks up presented keys. It reads the store again only when its version
// has changed, and asks for that only when somebody calls.
type apiKeys struct {
	store  ostiary.Store
	clock  func() time.Time
	log    *slog.Logger
	expand func([]string) []string

	snap  atomic.Pointer[keySnapshot]
	fresh sync.Mutex // held while the store is asked
}

// keySnapshot is the keys of one version of the store.
type keySnapshot struct {
	version int64
	asked   time.Time
	of      map[string]*heldKey // by prefix
}

type heldKey struct {
	storedKey
	id identity
}

// verify returns who a key stands for. A key that is unknown and one with a wrong
// secret get the same answer.
func (a *apiKeys) verify(ctx context.Context, secret string) (identity, *ostiary.Error) {
	prefix := prefixOf(secret)
	if prefix == "" {
		return identity{}, noSuchKey()
	}
	s, err := a.snapshot(ctx, keysStale)
	if err == nil && s.of[prefix] == nil {
		s, err = a.snapshot(ctx, keysUnknown)
	}
	if err != nil {
		return identity{}, ostiary.AsError(err)
	}
	held := s.of[prefix]
	if held == nil || !held.matches(secret) {
		return identity{}, noSuchKey()
	}
	if err := held.over(a.clock()); err != nil {
		return identity{}, err
	}
	return held.id, nil
}

func (a *apiKeys) current(s *keySnapshot, within time.Duration) bool {
	age := a.clock().Sub(s.asked)
	return age >= 0 && age < within
}

func (a *apiKeys) snapshot(ctx context.Context, within time.Duration) (*keySnapshot, error) {
	if s := a.snap.Load(); s != nil && a.current(s, within) {
		return s, nil
	}
	a.fresh.Lock()
	defer a.fresh.Unlock()
	s := a.snap.Load()
	if s != nil && a.current(s, within) { // somebody else has asked meanwhile
		return s, nil
	}
	next := &keySnapshot{asked: a.clock()}
	var err error
	// Asked before it is read: what is changed in between is read again.
	if next.version, err = a.store.Version(ctx, bucketKey); err != nil {
		return nil, err
	}
	if s != nil && s.version == next.version {
		next.of = s.of
	} else if next.of, err = a.read(ctx); err != nil {
		return nil, err
	}
	a.snap.Store(next)
	return next, nil
}

// read reads all keys. One that cannot be read counts for nothing. Those that are
// over stay, so that who presents one is told.
func (a *apiKeys) read(ctx context.Context) (map[string]*heldKey, error) {
	of := map[string]*heldKey{}
	err := a.store.View(ctx, func(tx ostiary.Tx) error {
		clear(of)
		for r, err := range tx.List(bucketKey, ostiary.Query{}) {
			if err != nil {
				return err
			}
			k, err := decodeKey(&r)
			if err != nil {
				a.log.Warn("an API key cannot be read and does not count", "err", err)
				continue
			}
			of[k.Prefix] = &heldKey{storedKey: *k, id: identity{
				// Two keys of one principal are two clients, as two registered
				// clients of an issuer are.
				principal: ostiary.Principal{ID: k.Principal, Client: "key " + k.Prefix, Scopes: settle(k.Scopes, a.expand)},
				session:   sessionName("key", k.Principal, k.Prefix),
				expires:   k.Expires,
			}}
		}
		return nil
	})
	return of, err
}
