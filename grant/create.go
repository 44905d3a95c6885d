package grant

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
)

// Terms are what a grant is made with.
type Terms struct {
	// Principal may be left out of a child.
	Principal string
	// Session, Pattern, When and Uses are as in [Grant].
	Session, Pattern, When string
	Uses                   int
	// For is how long it lives; 0 is [DefaultLife], or what its parent has left
	// if that is less.
	For    time.Duration
	Reason string
	// Parent is the id or the token of the grant that it is a part of, if any.
	Parent string
	// Token makes it count only for calls that present its token.
	Token bool
}

// Create makes a grant. The token, if one was wanted, is returned this once and
// kept nowhere. The error is grant_invalid if the grant cannot be made like this,
// and names everything in which a child is wider than its parent.
func (d *Desk) Create(ctx context.Context, n Terms, who Who) (_ Grant, token string, err error) {
	pt, err := d.check(&n, who)
	if err != nil {
		return Grant{}, "", err
	}
	g := &Grant{
		Principal: n.Principal, Session: n.Session, Pattern: n.Pattern, When: n.When, Uses: n.Uses,
		By: who.Name, Channel: who.Channel, Reason: n.Reason, Token: n.Token,
	}
	if g.ID, err = newID(d.o.Rand); err != nil {
		return Grant{}, "", random(err)
	}
	var hash digest
	if n.Token {
		if token, hash, err = newToken(d.o.Rand); err != nil {
			return Grant{}, "", random(err)
		}
		g.Digest = hash.short()
	}
	// What is noted is what will be done, so the parent is looked at before, and
	// again when nobody else can change it.
	fit := func(tx ostiary.Tx) error { return d.fit(tx, g, pt, &n) }
	if err := d.o.Store.View(ctx, fit); err != nil {
		return Grant{}, "", err
	}
	event := ostiary.Event{
		Name: "grant_created", Subject: g.ID, Principal: g.Principal, Session: g.Session, Target: g.Pattern,
		Reason: g.Reason, Detail: describe(g),
	}
	if err := d.note(event, who); err != nil {
		return Grant{}, "", err
	}
	err = d.o.Store.Update(ctx, func(tx ostiary.Tx) error {
		if err := fit(tx); err != nil {
			return err
		}
		if twin, err := tx.Get(bucketGrant, g.ID); err != nil || twin != nil {
			return random(fmt.Errorf("the id %s exists", g.ID))
		}
		if err := put(tx, g); err != nil || !g.Token {
			return err
		}
		return tx.Put(bucketToken, ostiary.Row{Key: hash.String(), Expires: forget(g), Value: []byte(g.ID)})
	})
	if err != nil {
		return Grant{}, "", d.undone(event, who, "grant "+g.ID+" may not have been made", err)
	}
	return *g, token, nil
}

// Check says what [Desk.Create] would say about these terms now, and makes nothing:
// for who gives a grant together with something that cannot be taken back.
func (d *Desk) Check(ctx context.Context, n Terms, who Who) error {
	pt, err := d.check(&n, who)
	if err != nil {
		return err
	}
	g := &Grant{Principal: n.Principal, Session: n.Session, Pattern: n.Pattern, When: n.When, Uses: n.Uses, Token: n.Token}
	return d.o.Store.View(ctx, func(tx ostiary.Tx) error { return d.fit(tx, g, pt, &n) })
}

// check looks at what was asked for by itself.
func (d *Desk) check(n *Terms, who Who) (pattern, error) {
	pt, err := parsePattern(n.Pattern)
	switch {
	case err != nil:
		return pt, invalid("%v", err)
	case who.Name == "":
		return pt, invalid("a grant is given by somebody: who does is not known")
	case n.Principal == "" && n.Parent == "":
		return pt, invalid("a grant is given to one principal: say to whom")
	case !word(n.Principal) || !word(n.Session):
		return pt, invalid("a principal and a session are names of at most 256 bytes without control characters")
	case strings.TrimSpace(n.Reason) == "":
		return pt, invalid("a grant has a reason, for whoever reads the evidence: give one")
	case len(n.Reason) > 1000 || !utf8.ValidString(n.Reason):
		return pt, invalid("a reason is UTF-8 text of at most 1000 bytes")
	case n.Uses < 0:
		return pt, invalid("a grant cannot have %d uses: write 1 or more, or 0 for any number within its life", n.Uses)
	case n.For < 0:
		return pt, invalid("a grant cannot live for %s: write how long, as in 5m", n.For)
	case n.For > MaxLife:
		return pt, invalid("a grant lives for %s at most, not for %s: for what is always allowed write a rule", MaxLife, n.For)
	case len(n.When) > 4096 || !utf8.ValidString(n.When):
		return pt, invalid("a condition is UTF-8 text of at most 4096 bytes")
	}
	if d.o.Check == nil {
		if n.When != "" {
			return pt, invalid("a condition cannot be checked here, so the grant was not made: make it with `ostiary grant create`")
		}
		return pt, nil
	}
	return pt, d.o.Check(n.Pattern, n.When)
}

// word is a name that a store can group by.
func word(s string) bool {
	return len(s) <= 256 && utf8.ValidString(s) && !strings.ContainsFunc(s, isControl)
}

// fit gives a grant its times and its parent, as the store is now.
func (d *Desk) fit(tx ostiary.Tx, g *Grant, pt pattern, n *Terms) error {
	now := d.o.Clock().UTC().Round(0)
	if g.Created.IsZero() {
		g.Created, g.Expires = now, now.Add(n.For)
		if n.For == 0 {
			g.Expires = now.Add(DefaultLife)
		}
	}
	if n.Parent != "" {
		if err := attenuate(tx, g, pt, n, now); err != nil {
			return err
		}
	}
	all, err := list(tx, g.Principal, leave)
	if err != nil {
		return err
	}
	known, live := byID(all), 0
	for _, other := range all {
		if alive(known, other, now) {
			live++
		}
	}
	if live >= maxLive {
		return invalid("%s has %d grants that are live, which is the most: revoke some, or give fewer and wider ones", g.Principal, live)
	}
	return nil
}

// describe is the part of a grant that an event has no field for.
func describe(g *Grant) string {
	var b strings.Builder
	fmt.Fprintf(&b, "until %s", g.Expires.Format(time.RFC3339))
	if g.Uses > 0 {
		fmt.Fprintf(&b, ", uses %d", g.Uses)
	}
	if g.Parent != "" {
		fmt.Fprintf(&b, ", part of %s", g.Parent)
	}
	if g.Token {
		fmt.Fprintf(&b, ", token with digest %s", g.Digest)
	}
	if g.When != "" {
		fmt.Fprintf(&b, ", when %s", g.When)
	}
	return b.String()
}

func newID(from io.Reader) (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(from, b[:]); err != nil {
		return "", err
	}
	return "g-" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}

func random(err error) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeInternal, Message: "the machine gives no randomness, so no grant was made", Err: err}
}
