package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// A log without one of its segments, or with files that are not its own, is
// broken, and neither the next start nor tidying up makes it intact again. The
// control is the same log before the damage.
func TestLaw1AMissingSegmentIsFound(t *testing.T) {
	tests := []struct {
		name   string
		damage func(dir string) error
		want   string
		tidied bool // the rest is found even when the stray files are gone too
	}{
		{"middle", func(dir string) error { return os.Remove(filepath.Join(dir, segmentName(1))) }, "segment 00000001.jsonl is missing", true},
		{"first", func(dir string) error { return os.Remove(filepath.Join(dir, segmentName(0))) }, "segment 00000000.jsonl is missing", true},
		{"all renamed", func(dir string) error {
			for n := 20; n >= 0; n-- {
				err := os.Rename(filepath.Join(dir, segmentName(n)), filepath.Join(dir, segmentName(n+1)))
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					return err
				}
			}
			return nil
		}, "segment 00000000.jsonl is missing", true},
		{"renamed to another name", func(dir string) error {
			return os.Rename(filepath.Join(dir, segmentName(1)), filepath.Join(dir, "1.jsonl"))
		}, `"1.jsonl" lies in its directory`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			l := openTest(t, dir, func(o *Options) { o.SegmentBytes = 8 << 10 })
			fill(t, l, 60)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if count, err := segmentsOf(l.dir); err != nil || count < 3 || count > 20 {
				t.Fatalf("%d segments, %v", count, err)
			}
			if r := verify(t, dir, VerifyOptions{}); r.Err() != nil {
				t.Fatalf("before the damage: %v", r.Broken)
			}
			if err := test.damage(l.dir); err != nil {
				t.Fatal(err)
			}
			left, err := os.ReadDir(l.dir)
			if err != nil {
				t.Fatal(err)
			}
			found := func(when, want string) {
				t.Helper()
				r := verify(t, dir, VerifyOptions{})
				if len(r.Broken) != 1 || r.Broken[0].Log != l.ID() || !strings.Contains(r.Broken[0].What, want) || !errors.Is(r.Err(), ostiary.CodeAuditBroken) {
					t.Errorf("%s: broken %v", when, r.Broken)
				}
			}
			found("before the next start", test.want)
			next := openTest(t, dir, nil)
			records, _, err := readOpening(segmentPath(dir, next.ID()), next.key.verifier)
			if err != nil || len(records) != 1 || len(records[0].Repaired) != 1 || !records[0].Repaired[0].Damaged || records[0].Repaired[0].Cut != 0 {
				t.Errorf("the next log says %+v, %v", records, err)
			}
			if now, err := os.ReadDir(l.dir); err != nil || len(now) != len(left) {
				t.Errorf("%d of %d files are left, %v", len(now), len(left), err)
			}
			found("after the next start", test.want)
			openTest(t, dir, nil) // by now the log is settled
			found("after another start", test.want)
			if !test.tidied {
				return
			}
			count, err := segmentsOf(l.dir)
			if err != nil {
				t.Fatal(err)
			}
			for n := count; n < 25; n++ {
				if err := os.Remove(filepath.Join(l.dir, segmentName(n))); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			found("after tidying up", "found it damaged")
		})
	}
}
