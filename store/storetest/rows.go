package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func rows(t *testing.T, s ostiary.Store) {
	if r := get(t, s, "a"); r != nil {
		t.Fatalf("an empty store has %+v", r)
	}
	at := time.Date(2031, 2, 3, 4, 5, 6, 789_123_000, time.FixedZone("far", 3600))
	mustPut(t, s, ostiary.Row{Key: "a", Group: "g", Expires: at, Value: []byte("one")})
	r := get(t, s, "a")
	if r == nil || r.Key != "a" || r.Group != "g" || !r.Expires.Equal(at) || string(r.Value) != "one" {
		t.Fatalf("got %+v", r)
	}
	mustPut(t, s, ostiary.Row{Key: "a", Value: []byte("two")})
	if r := get(t, s, "a"); r == nil || r.Group != "" || !r.Expires.IsZero() || string(r.Value) != "two" {
		t.Fatalf("replaced, got %+v", r)
	}
	if err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		if r, err := tx.Get("other", "a"); r != nil || err != nil {
			t.Errorf("another bucket has %+v, %v", r, err)
		}
		if err := tx.Delete(bucket, "a"); err != nil {
			return err
		}
		if r, err := tx.Get(bucket, "a"); r != nil || err != nil {
			t.Errorf("a transaction does not see what it deleted: %+v, %v", r, err)
		}
		return tx.Delete(bucket, "never there")
	}); err != nil {
		t.Fatal(err)
	}
	if r := get(t, s, "a"); r != nil {
		t.Fatalf("deleted, got %+v", r)
	}
	mustPut(t, s, ostiary.Row{Key: "ns", Expires: at.Add(1)})
	if r := get(t, s, "ns"); r.Expires.Before(at.Add(1)) || r.Expires.After(at.Add(time.Microsecond)) {
		t.Errorf("expires at %v, which is not %v rounded up to a microsecond", r.Expires, at.Add(1))
	}
}

// refusals are names that engines would not keep, or not order, alike.
func refusals(t *testing.T, s ostiary.Store) {
	long := strings.Repeat("k", 1025)
	for _, c := range []struct {
		what, bucket string
		row          ostiary.Row
	}{
		{"no bucket", "", ostiary.Row{Key: "k"}},
		{"no key", bucket, ostiary.Row{}},
		{"a zero byte", bucket, ostiary.Row{Key: "a\x00b"}},
		{"invalid UTF-8", bucket, ostiary.Row{Key: "a\xff"}},
		{"a long key", bucket, ostiary.Row{Key: long}},
		{"a long group", bucket, ostiary.Row{Key: "k", Group: long}},
		{"a group with a zero byte", bucket, ostiary.Row{Key: "k", Group: "\x00"}},
		{"a value over 16 MiB", bucket, ostiary.Row{Key: "k", Value: make([]byte, 16<<20+1)}},
	} {
		if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Put(c.bucket, c.row) }); err == nil {
			t.Errorf("%s was kept", c.what)
		}
	}
	mustPut(t, s, ostiary.Row{Key: long[:1024], Group: long[:1024]}) // control
}

func values(t *testing.T, s ostiary.Store) {
	large := bytes.Repeat([]byte{0, 1, 0xff, '\n'}, 4<<20)
	mustPut(t, s,
		ostiary.Row{Key: "nil"}, ostiary.Row{Key: "empty", Value: []byte{}},
		ostiary.Row{Key: "zero", Value: []byte{0}}, ostiary.Row{Key: "ключ ☕", Group: "שלום", Value: []byte("ünï")},
		ostiary.Row{Key: "large", Value: large})
	for key, want := range map[string][]byte{"nil": nil, "empty": nil, "zero": {0}, "ключ ☕": []byte("ünï"), "large": large} {
		if r := get(t, s, key); r == nil || !bytes.Equal(r.Value, want) {
			t.Errorf("%s: not what was put", key)
		}
	}
	// The store has its own copy, and so has the reader.
	v := []byte("mine")
	mustPut(t, s, ostiary.Row{Key: "copy", Value: v})
	v[0] = 'X'
	get(t, s, "copy").Value[1] = 'X'
	if r := get(t, s, "copy"); string(r.Value) != "mine" {
		t.Errorf("the store shares memory: %q", r.Value)
	}
}

func list(t *testing.T, s ostiary.Store) {
	var all []ostiary.Row
	var want []string
	for i := range 700 { // more than any page
		all = append(all, ostiary.Row{Key: fmt.Sprintf("n/%03d", i), Group: []string{"", "even", "odd"}[i%2+1]})
		want = append(want, all[i].Key)
	}
	for _, k := range []string{"a", "a/", "a/1", "a/2", "a/é", "a0", "aé", "aé1", "a\U0010ffff", "a\U0010ffff2", "Z"} {
		all = append(all, ostiary.Row{Key: k})
	}
	mustPut(t, s, all...)
	if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Put("test2", ostiary.Row{Key: "n/5", Group: "even"}) }); err != nil {
		t.Fatal(err)
	}
	var odd []string
	for i := 1; i < 700; i += 2 {
		odd = append(odd, want[i])
	}
	for _, c := range []struct {
		what string
		q    ostiary.Query
		want []string
	}{
		{"all", ostiary.Query{}, append([]string{"Z", "a", "a/", "a/1", "a/2", "a/é", "a0", "aé", "aé1", "a\U0010ffff", "a\U0010ffff2"}, want...)},
		{"prefix", ostiary.Query{Prefix: "n/"}, want},
		{"a prefix is bytes", ostiary.Query{Prefix: "a/"}, []string{"a/", "a/1", "a/2", "a/é"}},
		{"prefix that ends in a long letter", ostiary.Query{Prefix: "aé"}, []string{"aé", "aé1"}},
		{"prefix that ends in the last letter", ostiary.Query{Prefix: "a\U0010ffff"}, []string{"a\U0010ffff", "a\U0010ffff2"}},
		{"prefix of nothing", ostiary.Query{Prefix: "n/x"}, nil},
		{"group", ostiary.Query{Group: "odd"}, odd},
		{"group and prefix", ostiary.Query{Group: "odd", Prefix: "n/69"}, []string{"n/691", "n/693", "n/695", "n/697", "n/699"}},
		{"group of nothing", ostiary.Query{Group: "none"}, nil},
		{"after", ostiary.Query{After: "n/697"}, []string{"n/698", "n/699"}},
		{"after what is not there", ostiary.Query{After: "n/6975"}, []string{"n/698", "n/699"}},
		{"after the last", ostiary.Query{After: "n/699"}, nil},
		{"after, behind the prefix", ostiary.Query{Prefix: "a/", After: "b"}, nil},
		{"after, before the prefix", ostiary.Query{Prefix: "a/", After: "Z"}, []string{"a/", "a/1", "a/2", "a/é"}},
		{"after the prefix itself", ostiary.Query{Prefix: "a/", After: "a/"}, []string{"a/1", "a/2", "a/é"}},
		{"limit", ostiary.Query{Limit: 3}, []string{"Z", "a", "a/"}},
		{"limit over pages", ostiary.Query{Prefix: "n/", Limit: 300}, want[:300]},
		{"limit over all", ostiary.Query{Prefix: "a/", Limit: 300}, []string{"a/", "a/1", "a/2", "a/é"}},
		{"everything", ostiary.Query{Group: "odd", Prefix: "n/", After: "n/100", Limit: 2}, []string{"n/101", "n/103"}},
	} {
		if err := s.View(t.Context(), func(tx ostiary.Tx) error {
			got, err := keys(tx, c.q)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %d %.80q, want %d %.80q", c.what, len(got), got, len(c.want), c.want)
			}
			return err
		}); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	for _, q := range []ostiary.Query{{Limit: -1}, {Prefix: "\x00"}, {After: "\xff"}, {Since: 1}, {Since: -1, Group: "odd"}} {
		if err := s.View(t.Context(), func(tx ostiary.Tx) error { _, err := keys(tx, q); return err }); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
}

func listLarge(t *testing.T, s ostiary.Store) {
	for i := range 9 {
		mustPut(t, s, ostiary.Row{Key: fmt.Sprint(i), Group: "g", Value: bytes.Repeat([]byte{byte(i)}, 700<<10)})
	}
	n := 0
	if err := s.View(t.Context(), func(tx ostiary.Tx) error {
		for r, err := range tx.List(bucket, ostiary.Query{Group: "g"}) {
			if err != nil {
				return err
			}
			if r.Key != fmt.Sprint(n) || len(r.Value) != 700<<10 || r.Value[5] != byte(n) || r.Group != "g" {
				t.Errorf("row %d is %s with %d bytes", n, r.Key, len(r.Value))
			}
			n++
		}
		return nil
	}); err != nil || n != 9 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

// listWrites: the body of a loop may end it, list, read and write.
func listWrites(t *testing.T, s ostiary.Store) {
	for i := range 400 {
		mustPut(t, s, ostiary.Row{Key: fmt.Sprintf("%03d", i), Value: []byte("x")})
		if i == 40 && testing.Short() {
			break
		}
	}
	if err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		seen := 0
		for r, err := range tx.List(bucket, ostiary.Query{}) {
			if err != nil {
				return err
			}
			for _, err := range tx.List(bucket, ostiary.Query{Limit: 2}) {
				if err != nil {
					return err
				}
				break
			}
			if err := tx.Delete(bucket, r.Key); err != nil {
				return err
			}
			seen++
		}
		if left, err := keys(tx, ostiary.Query{}); len(left) > 0 || err != nil || seen < 40 {
			t.Errorf("%d rows seen, left are %q, %v", seen, left, err)
		}
		return tx.Put(bucket, ostiary.Row{Key: "after"})
	}); err != nil {
		t.Fatal(err)
	}
	if get(t, s, "after") == nil {
		t.Error("what was written after the loops is lost")
	}
}

// since: who knows a group as it was reads only what was put into it behind that.
func since(t *testing.T, s ostiary.Store) {
	var all []ostiary.Row
	for i := range 300 {
		all = append(all, ostiary.Row{Key: fmt.Sprintf("%03d", i), Group: "mine"})
	}
	mustPut(t, s, all...)
	known := version(t, s, bucket)
	changed := func(what string, from int64, want ...string) {
		t.Helper()
		if err := s.View(t.Context(), func(tx ostiary.Tx) error {
			got, err := keys(tx, ostiary.Query{Group: "mine", Since: from})
			if !slices.Equal(got, want) {
				t.Errorf("%s: %.80q, want %.80q", what, got, want)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	changed("nothing", known)
	mustPut(t, s, ostiary.Row{Key: "200", Group: "mine", Value: []byte("again")}, ostiary.Row{Key: "new", Group: "mine"})
	mustPut(t, s, ostiary.Row{Key: "000", Group: "yours"}, ostiary.Row{Key: "none"})
	changed("replaced and new", known, "200", "new")
	latest := version(t, s, bucket)
	mustPut(t, s, ostiary.Row{Key: "201", Group: "mine"})
	changed("behind the latest", latest, "201")
	changed("since the first", known, "200", "201", "new")
	if err := s.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Delete(bucket, "200") }); err != nil {
		t.Fatal(err)
	}
	changed("deleted", known, "201", "new")
	for i := range all {
		all[i].Value = []byte("all again")
	}
	latest = version(t, s, bucket)
	mustPut(t, s, all...) // more than any page
	want := make([]string, len(all))
	for i := range all {
		want[i] = all[i].Key
	}
	changed("all", latest, want...)
}
