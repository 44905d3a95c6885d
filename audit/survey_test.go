package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// opening returns what the first records of a log say.
func openingOf(t *testing.T, l *Log) (heads []Head, records int) {
	t.Helper()
	all, _, err := readOpening(filepath.Join(l.dir, segmentName(0)), l.key.verifier)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, r := range all {
		heads = append(heads, r.Heads...)
	}
	return heads, len(all)
}

// Thousands of old logs are committed to once, in bounded lines, and looked at no
// more.
func TestManyLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := openTest(t, dir, func(o *Options) { o.Clock = func() time.Time { return time.Unix(1000, 0) } })
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	const old = 2*maxHeads + 10
	for i := range old { // processes that died before their first record
		id := fmt.Sprintf("20010101T000000-%09d-00000000", i)
		if err := os.Mkdir(filepath.Join(dir, "audit", id), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	second := openTest(t, dir, nil)
	if heads, records := openingOf(t, second); len(heads) != old+1 || records != 3 {
		t.Errorf("%d heads in %d records", len(heads), records)
	}
	third := openTest(t, dir, nil)
	if heads, _ := openingOf(t, third); len(heads) != 1 || heads[0].Log != second.ID() || heads[0].Size != 3 {
		t.Errorf("the third log commits to %v", heads)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Err() != nil || r.Logs != old+3 {
		t.Errorf("%v", r.Broken)
	}
	// A log that is still written is committed to again as it grows.
	if err := recordAny(second, 0); err != nil {
		t.Fatal(err)
	}
	fourth := openTest(t, dir, nil)
	if heads, _ := openingOf(t, fourth); len(heads) != 2 || heads[0].Size != 4 {
		t.Errorf("the fourth log commits to %v", heads)
	}
}

// Names tell the order of opening even if the clock goes back.
func TestLogIDsSortByOpening(t *testing.T) {
	last := ""
	for _, now := range []int64{1000, 2000, 1500, 1500, 3000} {
		id, err := newLogID(time.Unix(now, 0), last, zeros{})
		if err != nil || id <= last || !validLogID(id) {
			t.Errorf("%s after %s, %v", id, last, err)
		}
		last = id
	}
	for _, bad := range []string{"", ".lock", "20260304T050607-089000000-0000000g", "20269904T050607-089000000-00000000", "../../etc"} {
		if validLogID(bad) {
			t.Errorf("%q is taken for a log", bad)
		}
	}
}

// Somebody who replaces the key cannot verify the old logs with it.
func TestAnotherKeyShows(t *testing.T) {
	dir, _ := sample(t, nil)
	old := string(read(t, filepath.Join(dir, "key.pub")))
	for _, name := range []string{"key", "key.pub"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	openTest(t, dir, nil).Close() // makes a new key
	if err := verify(t, dir, VerifyOptions{}).Err(); !errors.Is(err, ostiary.CodeAuditBroken) {
		t.Errorf("error %v", err)
	}
	if err := verify(t, dir, VerifyOptions{Key: old}).Err(); !errors.Is(err, ostiary.CodeAuditBroken) {
		t.Errorf("error %v", err)
	}
}
