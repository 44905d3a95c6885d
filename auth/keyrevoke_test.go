package auth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestRevokeAll(t *testing.T) {
	o := newOffice(t)
	var mine []string
	for range 3 {
		_, secret := o.create(terms())
		mine = append(mine, secret)
	}
	first, err := o.desk.Revoke(context.Background(), mine[0], dora, "lost")
	if err != nil {
		t.Fatal(err)
	}
	other := terms()
	other.Principal = "ben"
	_, theirs := o.create(other)
	o.events = nil

	if n, err := o.desk.RevokeAll(context.Background(), "ann", dora, "incident 7"); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if len(o.events) != 1 || o.events[0].Name != "auth_key_revoked_all" || o.events[0].Principal != "ann" || o.events[0].By != "dora" || !strings.HasPrefix(o.events[0].Detail, "2 that were live: ") {
		t.Errorf("%+v", o.events)
	}
	o.pass(2e9)
	for _, secret := range mine {
		if _, _, err := o.door.Authenticate(request(secret)); !errors.Is(err, ostiary.CodeAuthRevoked) {
			t.Errorf("a key of hers: %v", err)
		}
		if strings.Contains(o.events[0].Detail, secret[len(secret)-secretLen:]) {
			t.Error("the evidence has a secret")
		}
	}
	if p, _, err := o.door.Authenticate(request(theirs)); err != nil || p.ID != "ben" { // control
		t.Errorf("another's key: %v", err)
	}
	all, err := o.desk.List(context.Background(), KeyFilter{Principal: "ann", All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if want := map[bool]string{true: "lost", false: "incident 7"}[k.Prefix == first.Prefix]; k.RevokedWhy != want {
			t.Errorf("%s was revoked because of %q, want %q", k.Prefix, k.RevokedWhy, want)
		}
	}
	o.events = nil
	if n, err := o.desk.RevokeAll(context.Background(), "ann", dora, "again"); n != 0 || err != nil || len(o.events) != 0 {
		t.Errorf("when there is nothing: %d, %v, %+v", n, err, o.events)
	}
}

func TestRevokeAllRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		principal, reason string
		who               Who
		journal, store    error
		code              ostiary.Code
	}{
		"nobody does it":     {"ann", "r", Who{}, nil, nil, ostiary.CodeAuthInvalid},
		"no reason":          {"ann", " ", dora, nil, nil, ostiary.CodeAuthInvalid},
		"of nobody":          {"", "r", dora, nil, nil, ostiary.CodeAuthInvalid},
		"a log that is full": {"ann", "r", dora, ostiary.CodeAuditUnavailable, nil, ostiary.CodeAuditUnavailable},
		"a store that fails": {"ann", "r", dora, nil, ostiary.CodeStoreUnavailable, ostiary.CodeStoreUnavailable},
	} {
		o := newOffice(t)
		_, secret := o.create(terms())
		o.fails, o.st.err = c.journal, c.store
		if n, err := o.desk.RevokeAll(context.Background(), c.principal, c.who, c.reason); n != 0 || !errors.Is(err, c.code) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		o.fails, o.st.err = nil, nil
		o.pass(2e9)
		if _, _, err := o.door.Authenticate(request(secret)); err != nil {
			t.Errorf("%s: the key is gone: %v", name, err)
		}
	}
}
