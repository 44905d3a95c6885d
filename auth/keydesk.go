package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// How long API keys live.
const (
	// DefaultKeyLife is for a key of which nothing was said.
	DefaultKeyLife = 90 * 24 * time.Hour
	// MaxKeyLife is the longest life that a person can give.
	MaxKeyLife = 366 * 24 * time.Hour
)

// maxLiveKeys is how many keys of one principal are live at once.
const maxLiveKeys = 100

// DeskOptions are what a Desk is made of; all are required.
type DeskOptions struct {
	Store   ostiary.Store
	Journal ostiary.Journal
	Clock   func() time.Time
	// Rand is for prefixes and secrets.
	Rand io.Reader
}

// Desk is where people make and take back API keys. The command line and the
// console share it. It is used by many goroutines at once.
type Desk struct{ o DeskOptions }

// NewDesk makes a Desk.
func NewDesk(o DeskOptions) *Desk { return &Desk{o: o} }

// Who is a person, as the operating system or a sign-in proves it, and the
// channel: cli, console.
type Who struct{ Name, Channel string }

// Terms are what a key is made with.
type Terms struct {
	Principal string
	Scopes    []string
	// For is how long it lives; 0 is [DefaultKeyLife].
	For    time.Duration
	Reason string
}

// Create makes a key. The secret is returned this once and kept nowhere. The
// error is auth_invalid if the key cannot be made like this.
func (d *Desk) Create(ctx context.Context, n Terms, who Who) (_ Key, secret string, err error) {
	if err := n.check(who); err != nil {
		return Key{}, "", err
	}
	now := d.o.Clock().UTC().Round(0)
	k := &storedKey{Key: Key{
		Principal: n.Principal, Scopes: slices.Clone(n.Scopes), Created: now, Expires: now.Add(cmp.Or(n.For, DefaultKeyLife)),
		By: who.Name, Channel: who.Channel, Reason: n.Reason,
	}}
	if secret, k.Prefix, k.Hash, err = newKey(d.o.Rand); err != nil {
		return Key{}, "", noRandom(err)
	}
	fit := func(tx ostiary.Tx) error { return d.fit(tx, k, now) }
	if err := d.o.Store.View(ctx, fit); err != nil {
		return Key{}, "", err
	}
	event := ostiary.Event{
		Name: "auth_key_created", Subject: k.Prefix, Principal: k.Principal, Reason: k.Reason,
		Detail: "until " + k.Expires.Format(time.RFC3339) + ", scopes " + strings.Join(k.Scopes, " "),
	}
	if err := d.note(event, who); err != nil {
		return Key{}, "", err
	}
	if err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		if err := fit(tx); err != nil {
			return err
		}
		return putKey(tx, k)
	}); err != nil {
		return Key{}, "", d.undone(event, who, "key "+k.Prefix+" may not have been made", err)
	}
	return k.Key, secret, nil
}

func (n *Terms) check(who Who) error {
	switch {
	case who.Name == "":
		return badTerms("a key is given by somebody: who does is not known")
	case !goodName(n.Principal):
		return badTerms("a key is for one principal, a name of at most 256 bytes without control characters: say for whom")
	case n.Principal == anonymousID:
		return badTerms("%s is the principal of those who have no key", anonymousID)
	case len(n.Scopes) > maxScopes:
		return badTerms("a key has %d scopes at most, not %d", maxScopes, len(n.Scopes))
	case n.For < 0 || n.For > MaxKeyLife:
		return badTerms("a key lives for %d days at most: make a new one before it ends", MaxKeyLife/(24*time.Hour))
	}
	for i, s := range n.Scopes {
		if !scopeToken(s) {
			return badTerms("%q is no scope: it is visible ASCII without quotes, backslashes and spaces", s)
		}
		if slices.Contains(n.Scopes[:i], s) {
			return badTerms("the scope %s is there twice", s)
		}
	}
	return serious(n.Reason)
}

func serious(reason string) error {
	if strings.TrimSpace(reason) == "" || len(reason) > 1000 || !utf8.ValidString(reason) {
		return badTerms("a reason, for whoever reads the evidence, is UTF-8 text of at most 1000 bytes: give one")
	}
	return nil
}

// fit looks at what is in the store.
func (d *Desk) fit(tx ostiary.Tx, k *storedKey, now time.Time) error {
	if twin, err := tx.Get(bucketKey, k.Prefix); err != nil || twin != nil {
		return noRandom(errors.Join(err, fmt.Errorf("the prefix %s exists", k.Prefix)))
	}
	live := 0
	for r, err := range tx.List(bucketKey, ostiary.Query{Group: k.Principal}) {
		if err != nil {
			return err
		}
		if other, err := decodeKey(&r); err == nil && other.State(now) == "live" {
			live++
		}
	}
	if live >= maxLiveKeys {
		return badTerms("%s has %d keys that are live, which is the most: revoke some", k.Principal, live)
	}
	return nil
}

// KeyFilter names keys: those of a principal and those whose prefix begins like
// this (a whole key will do), where set; those that are over as well, if All.
type KeyFilter struct {
	Principal, Prefix string
	All               bool
}

// List returns the keys that a filter names, the oldest first.
func (d *Desk) List(ctx context.Context, f KeyFilter) ([]Key, error) {
	if f.Prefix != "" {
		var err error
		if f.Prefix, err = named(f.Prefix); err != nil {
			return nil, err
		}
	}
	var found []Key
	now := d.o.Clock()
	err := d.o.Store.View(ctx, func(tx ostiary.Tx) error {
		found = nil
		for r, err := range tx.List(bucketKey, ostiary.Query{Group: f.Principal, Prefix: f.Prefix}) {
			if err != nil {
				return err
			}
			k, err := decodeKey(&r)
			if err != nil {
				return err
			}
			if f.All || k.State(now) == "live" {
				found = append(found, k.Key)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b Key) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Prefix, b.Prefix))
	})
	return found, err
}

// Revoke takes back a key, named by its prefix, as much of its beginning as no
// other has, or the whole key. The error is auth_key if there is none, and
// auth_revoked or auth_expired if there is nothing left to take back.
func (d *Desk) Revoke(ctx context.Context, ref string, who Who, reason string) (Key, error) {
	if err := serious(reason); err != nil {
		return Key{}, err
	}
	if who.Name == "" {
		return Key{}, badTerms("a key is taken back by somebody: who does is not known")
	}
	var k *storedKey
	live := func(tx ostiary.Tx, ref string) (err error) {
		if k, err = findKey(tx, ref); err != nil {
			return err
		}
		switch now := d.o.Clock(); k.State(now) {
		case "revoked", "expired":
			return k.over(now)
		}
		return nil
	}
	if err := d.o.Store.View(ctx, func(tx ostiary.Tx) error { return live(tx, ref) }); err != nil {
		return Key{}, err
	}
	prefix := k.Prefix
	event := ostiary.Event{Name: "auth_key_revoked", Subject: prefix, Principal: k.Principal, Reason: reason}
	if err := d.note(event, who); err != nil {
		return Key{}, err
	}
	if err := d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		if err := live(tx, prefix); err != nil {
			return err
		}
		k.Revoked, k.RevokedBy, k.RevokedWhy = d.o.Clock().UTC().Round(0), who.Name, reason
		return putKey(tx, k)
	}); err != nil {
		return Key{}, d.undone(event, who, "key "+prefix+" may not have been taken back", err)
	}
	return k.Key, nil
}

// note puts an event into the evidence, before what it tells is done.
func (d *Desk) note(e ostiary.Event, who Who) error {
	if d.o.Journal == nil {
		return refuse(ostiary.CodeAuditUnavailable, "keys are not changed where that cannot be recorded")
	}
	e.By, e.Channel = who.Name, who.Channel
	return d.o.Journal.Note(e)
}

// undone says in the evidence that what was just noted may not have happened.
func (d *Desk) undone(of ostiary.Event, who Who, so string, err error) error {
	e := ostiary.AsError(err)
	of.Name, of.Reason, of.Detail = "auth_key_undone", "", so+": "+e.Error()
	return errors.Join(&ostiary.Error{
		Code: e.Code, Reason: e.Reason, RetryAfter: e.RetryAfter, Err: e.Err,
		Message: so + "; look with `ostiary key list`: " + e.Message,
	}, d.note(of, who))
}

func badTerms(format string, args ...any) *ostiary.Error {
	return refuse(ostiary.CodeAuthInvalid, format, args...)
}

func noRandom(err error) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeInternal, Message: "the machine gives no randomness, so no key was made", Err: err}
}
