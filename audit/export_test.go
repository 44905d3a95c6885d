package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary"
)

// TestHashFile compares proofs with those of the library over hashes in memory,
// also after the reader went back.
func TestHashFile(t *testing.T) {
	h, err := newHashFile()
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	var stored []tlog.Hash
	inMemory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var all []tlog.Hash
		for _, i := range indexes {
			all = append(all, stored[i])
		}
		return all, nil
	})
	const size = 77
	leaf := func(i int64) []byte { return fmt.Appendf(nil, "record %d", i) }
	for n := range int64(size) {
		more, err := tlog.StoredHashes(n, leaf(n), inMemory)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		h.put(n, tlog.RecordHash([]byte("other")))
		if n%5 == 4 { // as when a live log is looked at again
			for back := n - 4; back <= n; back++ {
				h.put(back, tlog.RecordHash(leaf(back)))
			}
		}
	}
	for n := int64(size - size%5); n < size; n++ {
		h.put(n, tlog.RecordHash(leaf(n)))
	}
	if err := h.done(); err != nil {
		t.Fatal(err)
	}
	root, err := tlog.TreeHash(size, h)
	want, wantErr := tlog.TreeHash(size, inMemory)
	if err != nil || wantErr != nil || root != want {
		t.Fatalf("root %v, want %v, %v", root, want, err)
	}
	for n := range int64(size) {
		proof, err := tlog.ProveRecord(size, n, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, root, n, tlog.RecordHash(leaf(n))); err != nil {
			t.Errorf("record %d: %v", n, err)
		}
	}
	h.put(size+5, tlog.Hash{})
	if h.done() == nil {
		t.Error("a leaf was left out, and nothing was said")
	}
}

func TestProve(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, nil)
	for i := range 20 {
		if err := recordAny(l, i); err != nil {
			t.Fatal(err)
		}
	}
	check := func(found []Found, all []Evidence) {
		t.Helper()
		key, err := verifierFor(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range all {
			head, err := OpenCheckpoint(e.Checkpoint, key)
			if err != nil || head.Log != l.ID() {
				t.Fatal(head, err)
			}
			root, err := ParseHash(head.Root)
			if err != nil {
				t.Fatal(err)
			}
			var proof tlog.RecordProof
			for _, p := range e.Proof {
				h, err := ParseHash(p)
				if err != nil {
					t.Fatal(err)
				}
				proof = append(proof, h)
			}
			if err := tlog.CheckRecord(proof, head.Size, root, e.N, tlog.RecordHash(found[i].Line)); err != nil {
				t.Errorf("record %d: %v", e.N, err)
			}
		}
	}
	prove := func() ([]Found, []Evidence, error) {
		t.Helper()
		found, err := Query(t.Context(), dir, Filter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var ns []int64
		for _, f := range found {
			ns = append(ns, f.Record.N)
		}
		all, err := Prove(t.Context(), dir, l.ID(), ns)
		return found, all, err
	}
	found, all, err := prove()
	if err != nil || len(all) < 20 {
		t.Fatalf("%d proofs, %v", len(all), err)
	}
	check(found, all)
	if _, err := Prove(t.Context(), dir, l.ID(), []int64{1 << 40}); !errors.Is(err, ostiary.CodeAuditBroken) {
		t.Errorf("a record that is not there: %v", err)
	}
	if _, err := Prove(t.Context(), dir, "../x", nil); err == nil {
		t.Error("a log with such a name")
	}
	// Behind a change nothing is proved any more.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit", l.ID(), segmentName(0))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(b, []byte(`"alice"`))
	b[at+1] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := prove(); !errors.Is(err, ostiary.CodeAuditBroken) {
		t.Errorf("a record that was changed: %v", err)
	}
}

// TestWalkSegments proves records of a log of many segments.
func TestWalkSegments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) { o.SegmentBytes = 4096 })
	for i := range 40 {
		if err := recordAny(l, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	records, bodies := int64(0), int64(0)
	rep, err := Walk(t.Context(), dir, VerifyOptions{}, func(p *Proved) error {
		root, err := ParseHash(p.Head.Root)
		if err != nil {
			return err
		}
		for f, err := range p.Records() {
			if err != nil {
				return err
			}
			proof, err := p.Prove(f.Record.N)
			if err != nil {
				return err
			}
			if f.Record.N != records {
				t.Errorf("record %d stands where %d was expected", f.Record.N, records)
			}
			if err := tlog.CheckRecord(proof, p.Head.Size, root, f.Record.N, tlog.RecordHash(f.Line)); err != nil {
				t.Error(err)
			}
			records++
			if f.Body != nil {
				bodies++
			}
		}
		return nil
	})
	if err != nil || rep.Err() != nil || records != rep.Records || bodies != rep.Bodies || bodies == 0 {
		t.Errorf("%d records, %d bodies, %+v, %v", records, bodies, rep, err)
	}
	if segments, err := segmentsOf(filepath.Join(dir, "audit", l.ID())); err != nil || segments < 3 {
		t.Fatalf("%d segments, %v", segments, err)
	}
}

// TestMatchAsQuery holds the filter of an export against that of a query.
func TestMatchAsQuery(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, nil)
	for i, tool := range []string{"read_file", "read/file", "r]d", "r[d", "r^d", `r\d`, "röd", "READ_FILE", "r-d", "a*b", "line\nbreak", "rbd", "r.d"} {
		c := testCall(fmt.Sprint("c", i))
		c.Target = tool
		e, err := l.Begin(c)
		if err == nil {
			err = e.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusOK})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := Query(t.Context(), dir, Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, glob := range []string{
		"", "*", "read_*", "read?file", "files/read*", "files/*", "r?d", "r[a-z]d", "r[^a-z]d", "r[]]d", "r[^]]d", "r[[]d",
		"r[.-^]d", "r[a-]d", "r[", "[r", "r[^", "*[*]*", "a[*]b", "line?break", "read_file", "*é", "*ö*", `r\d`, "r[z-a]d", "r[a^]d", "r[^^]d", `r[\]d`, "r.d",
	} {
		found, err := Query(t.Context(), dir, Filter{Tool: glob, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, f := range found {
			want = append(want, f.Record.Target)
		}
		match := Filter{Tool: glob}.Match()
		for _, f := range all {
			if match(&f.Record) {
				got = append(got, f.Record.Target)
			}
		}
		if strings.Join(got, "\x00") != strings.Join(want, "\x00") {
			t.Errorf("%q: got %q, want %q", glob, got, want)
		}
	}
}

func TestSeal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	openTest(t, dir, nil)
	key, err := verifierFor(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Seal(dir, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := Sealed(signed, [32]byte{1}, key); err != nil {
		t.Error(err)
	}
	if Sealed(signed, [32]byte{2}, key) == nil {
		t.Error("it counts for another manifest")
	}
	if _, err := OpenCheckpoint(signed, key); err == nil {
		t.Error("it can be taken for a checkpoint")
	}
	if err := verifyNothing(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for at := range len(signed) {
		changed := []byte(signed)
		changed[at] ^= 1
		if Sealed(string(changed), [32]byte{1}, key) == nil {
			t.Errorf("byte %d can be changed", at)
		}
	}
}

// verifyNothing shows that a walk that its caller ends tells the caller's error.
func verifyNothing(ctx context.Context, dir string) error {
	stop := errors.New("stop")
	if _, err := Walk(ctx, dir, VerifyOptions{}, func(*Proved) error { return stop }); !errors.Is(err, stop) {
		return fmt.Errorf("the error of the caller became %w", err)
	}
	return nil
}
