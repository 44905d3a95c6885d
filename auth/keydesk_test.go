package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// office is a store on disk with a desk and a door over it.
type office struct {
	t    *testing.T
	dir  string
	desk *Desk
	door *Authenticator
	st   *faulty

	mu     sync.Mutex
	now    time.Time
	events []ostiary.Event
	fails  error // of the journal
}

var dora = Who{Name: "dora", Channel: "cli"}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// Note implements ostiary.Journal.
func (o *office) Note(e ostiary.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails == nil {
		o.events = append(o.events, e)
	}
	return o.fails
}

// faulty is a store that can fail.
type faulty struct {
	ostiary.Store
	err   error
	views int
}

func (f *faulty) Update(ctx context.Context, do func(ostiary.Tx) error) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Update(ctx, do)
}

func (f *faulty) View(ctx context.Context, do func(ostiary.Tx) error) error {
	f.views++
	return f.Store.View(ctx, do)
}

func (f *faulty) Version(ctx context.Context, bucket string) (int64, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Store.Version(ctx, bucket)
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "state"), now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	s, err := store.Open(store.Options{Dir: o.dir, Clock: o.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o.st = &faulty{Store: s}
	o.desk = NewDesk(DeskOptions{Store: o.st, Journal: o, Clock: o.clock, Rand: rand.Reader})
	if o.door, err = New(Options{Clock: o.clock, Store: o.st, Expand: func(scopes []string) []string {
		if slices.Contains(scopes, "fs:write") {
			scopes = append(scopes, "fs:read")
		}
		return scopes
	}}); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) create(n Terms) (Key, string) {
	o.t.Helper()
	k, secret, err := o.desk.Create(context.Background(), n, dora)
	if err != nil {
		o.t.Fatal(err)
	}
	return k, secret
}

func terms() Terms {
	return Terms{Principal: "ann", Scopes: []string{"fs:write"}, Reason: "nightly job"}
}

var keyForm = regexp.MustCompile(`^ost_key_[a-z2-7]{10}_[A-Za-z0-9_-]{43}$`)

func TestKey(t *testing.T) {
	o := newOffice(t)
	k, secret := o.create(terms())
	if !keyForm.MatchString(secret) || !strings.HasPrefix(secret, keyStart+k.Prefix+"_") || k.Expires.Sub(k.Created) != DefaultKeyLife {
		t.Fatalf("%+v %s", k, secret)
	}
	p, session, err := o.door.Authenticate(request(secret))
	if err != nil || p.ID != "ann" || p.Client != "key "+k.Prefix || session != "key|ann|"+k.Prefix || !slices.Equal(p.Scopes, []string{"fs:write", "fs:read"}) {
		t.Fatalf("%+v %q %v", p, session, err)
	}
	if len(o.events) != 1 || o.events[0].Name != "auth_key_created" || o.events[0].Subject != k.Prefix || o.events[0].By != "dora" {
		t.Fatalf("%+v", o.events)
	}
	// The secret is in no file of the store, in no event and in no list.
	tail := secret[len(secret)-secretLen:]
	files, err := filepath.Glob(filepath.Join(o.dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	found := false
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(b, []byte(k.Prefix))
		if bytes.Contains(b, []byte(tail)) {
			t.Errorf("%s holds the secret", f)
		}
	}
	if !found {
		t.Error("the key is in no file: the search proves nothing")
	}
}

func TestKeyAbuse(t *testing.T) {
	o := newOffice(t)
	k, secret := o.create(terms())
	_, other := o.create(Terms{Principal: "bob", Reason: "r"})
	in := func() {
		t.Helper()
		if _, _, err := o.door.Authenticate(request(secret)); err != nil {
			t.Fatal(err)
		}
	}
	in()
	last := "A"
	if strings.HasSuffix(secret, last) {
		last = "E"
	}
	for name, s := range map[string]string{
		"another secret":             secret[:len(keyStart)+prefixLen+1] + other[len(keyStart)+prefixLen+1:],
		"another last letter":        secret[:len(secret)-1] + last,
		"a prefix that nobody has":   keyStart + "aaaaaaaaaa_" + secret[len(secret)-secretLen:],
		"cut":                        secret[:len(secret)-1],
		"longer":                     secret + "A",
		"only the prefix":            keyStart + k.Prefix,
		"its start in capitals":      strings.ToUpper(keyStart) + secret[len(keyStart):],
		"the hash instead":           keyStart + k.Prefix + "_" + strings.Repeat("0", secretLen),
		"the start and nothing else": keyStart,
	} {
		t.Run(name, func(t *testing.T) { refusedWith(t, o.door, request(s), ostiary.CodeAuthKey, s) })
	}
	in()
	o.pass(DefaultKeyLife)
	refusedWith(t, o.door, request(secret), ostiary.CodeAuthExpired, secret)
	o.pass(-DefaultKeyLife - time.Hour)
	refusedWith(t, o.door, request(secret), ostiary.CodeAuthEarly, secret)
	// A door without keys does not know what a key is for.
	bare, err := New(Options{Clock: o.clock})
	if err != nil {
		t.Fatal(err)
	}
	refusedWith(t, bare, request(secret), ostiary.CodeAuthKey, secret)
}

func TestRevoke(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	k, secret := o.create(terms())
	if _, _, err := o.door.Authenticate(request(secret)); err != nil {
		t.Fatal(err)
	}
	// Named by the whole key, as somebody who found it in a chat would.
	gone, err := o.desk.Revoke(ctx, " "+secret+"\n", dora, "it leaked")
	if err != nil || gone.State(o.clock()) != "revoked" || gone.RevokedBy != "dora" {
		t.Fatalf("%+v %v", gone, err)
	}
	o.pass(keysStale)
	refusedWith(t, o.door, request(secret), ostiary.CodeAuthRevoked, secret)
	if _, err := o.desk.Revoke(ctx, k.Prefix, dora, "again"); !errors.Is(err, ostiary.CodeAuthRevoked) {
		t.Error(err)
	}
	if e := o.events[len(o.events)-1]; len(o.events) != 2 || e.Name != "auth_key_revoked" || e.Reason != "it leaked" || e.Principal != "ann" {
		t.Errorf("%+v", o.events)
	}
	for _, ref := range []string{"", "zzzzzzzzzz", "%", "aaaaaaaaaaaaaaaaa", keyStart, "secret0189"} {
		if _, err := o.desk.Revoke(ctx, ref, dora, "r"); !errors.Is(err, ostiary.CodeAuthKey) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestRevokeByBeginning(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	for i := range 33 { // two of 33 begin with the same of 32 letters
		o.create(Terms{Principal: "ann", Reason: "r"})
		o.pass(time.Duration(i))
	}
	all, err := o.desk.List(ctx, KeyFilter{})
	if err != nil || len(all) != 33 {
		t.Fatal(len(all), err)
	}
	first := map[string]int{}
	for _, k := range all {
		first[k.Prefix[:1]]++
	}
	for letter, n := range first {
		if n == 1 {
			continue
		}
		if _, err := o.desk.Revoke(ctx, letter, dora, "r"); !errors.Is(err, ostiary.CodeAuthKey) || !strings.Contains(err.Error(), "several keys") {
			t.Errorf("%s of %d: %v", letter, n, err)
		}
		found, err := o.desk.List(ctx, KeyFilter{Prefix: strings.ToUpper(letter)})
		if err != nil || len(found) != n {
			t.Errorf("%d keys begin with %s, listed %d, %v", n, letter, len(found), err)
		}
	}
	if _, err := o.desk.Revoke(ctx, all[0].Prefix[:9], dora, "r"); err != nil {
		t.Error(err)
	}
	live, err := o.desk.List(ctx, KeyFilter{Principal: "ann"})
	if err != nil || len(live) != 32 {
		t.Error(len(live), err)
	}
}

func TestTermsOfKeys(t *testing.T) {
	o := newOffice(t)
	for name, change := range map[string]func(*Terms, *Who){
		"nobody":         func(n *Terms, _ *Who) { n.Principal = "" },
		"control":        func(n *Terms, _ *Who) { n.Principal = "a\x1bb" },
		"anonymous":      func(n *Terms, _ *Who) { n.Principal = "anonymous" },
		"no reason":      func(n *Terms, _ *Who) { n.Reason = " " },
		"too long":       func(n *Terms, _ *Who) { n.For = MaxKeyLife + 1 },
		"negative":       func(n *Terms, _ *Who) { n.For = -1 },
		"no scope":       func(n *Terms, _ *Who) { n.Scopes = []string{"fs read"} },
		"a scope twice":  func(n *Terms, _ *Who) { n.Scopes = []string{"a", "a"} },
		"given by whom?": func(_ *Terms, w *Who) { w.Name = "" },
	} {
		n, who := terms(), dora
		change(&n, &who)
		if _, secret, err := o.desk.Create(context.Background(), n, who); !errors.Is(err, ostiary.CodeAuthInvalid) || secret != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(o.events) != 0 {
		t.Errorf("%+v", o.events)
	}
	for range maxLiveKeys {
		o.create(terms())
	}
	if _, _, err := o.desk.Create(context.Background(), terms(), dora); !errors.Is(err, ostiary.CodeAuthInvalid) {
		t.Errorf("one more than the most: %v", err)
	}
	o.create(Terms{Principal: "bob", Reason: "r"})
}

// Nothing changes that is not in the evidence, and what may not have happened is
// said there too.
func TestKeysAreRecordedFirst(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	k, _ := o.create(terms())
	o.fails = errors.New("the disk is full")
	if _, secret, err := o.desk.Create(ctx, terms(), dora); err == nil || secret != "" {
		t.Error("made without a record")
	}
	if _, err := o.desk.Revoke(ctx, k.Prefix, dora, "r"); err == nil {
		t.Error("revoked without a record")
	}
	o.fails = nil
	if all, err := o.desk.List(ctx, KeyFilter{}); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	o.st.err = &ostiary.Error{Code: ostiary.CodeStoreBusy, Message: "busy"}
	if _, secret, err := o.desk.Create(ctx, terms(), dora); !errors.Is(err, ostiary.CodeStoreBusy) || secret != "" {
		t.Error(err)
	}
	if e := o.events[len(o.events)-1]; e.Name != "auth_key_undone" {
		t.Errorf("%+v", e)
	}
}

// Keys cost a look at the version four times a second, and a read when it changed;
// a store that fails lets nobody in.
func TestSnapshotOfKeys(t *testing.T) {
	o := newOffice(t)
	_, secret := o.create(terms())
	r := request(secret)
	before := o.st.views
	for range 100 {
		if _, _, err := o.door.Authenticate(r); err != nil {
			t.Fatal(err)
		}
		o.pass(10 * time.Millisecond)
	}
	if n := o.st.views - before; n != 1 {
		t.Errorf("read %d times", n)
	}
	o.st.err = &ostiary.Error{Code: ostiary.CodeStoreUnavailable, Message: "gone"}
	o.pass(keysStale)
	refusedWith(t, o.door, r, ostiary.CodeStoreUnavailable, secret)
	o.st.err = nil
	if _, _, err := o.door.Authenticate(r); err != nil {
		t.Fatal(err)
	}
	// A row with a field that is not known may be a restriction.
	if err := o.st.Update(context.Background(), func(tx ostiary.Tx) error {
		row, err := tx.Get(bucketKey, prefixOf(secret))
		if err != nil {
			return err
		}
		row.Value = append([]byte(`{"only_on":"sundays",`), row.Value[1:]...)
		return tx.Put(bucketKey, *row)
	}); err != nil {
		t.Fatal(err)
	}
	o.pass(keysStale)
	refusedWith(t, o.door, r, ostiary.CodeAuthKey, secret)
}
