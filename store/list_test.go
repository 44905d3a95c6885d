package store

import (
	"database/sql/driver"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// TestGroupsAreRead checks that listing a group, or a part of one, reads its rows
// only: every such statement searches by the group, whatever else is in the bucket.
func TestGroupsAreRead(t *testing.T) {
	s, err := Open(Options{Dir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(x ostiary.Tx) error {
		for _, q := range []ostiary.Query{{Group: "g"}, {Group: "g", Prefix: "p"}, {Group: "g", After: "a"}} {
			for _, err := range x.List("b", q) {
				return err
			}
		}
		c := x.(*tx).c
		n := 0
		for _, sql := range slices.Collect(maps.Keys(c.stmts)) { // explaining adds some
			if !strings.Contains(sql, "grp=") {
				continue
			}
			n++
			var dest [4]driver.Value
			var plan []string
			err := c.each("EXPLAIN QUERY PLAN "+sql, dest[:], func() bool {
				plan = append(plan, dest[3].(string))
				return true
			}, arg(1, "b"), arg(2, ""), arg(3, []byte{0xff}), arg(4, int64(1)), arg(5, "g"))
			if err != nil {
				return err
			}
			if len(plan) != 1 || !strings.Contains(plan[0], "bucket=? AND grp=? AND key>") {
				t.Errorf("%s\nis done by %q", sql, plan)
			}
		}
		if n != 2 {
			t.Errorf("%d statements list groups, want 2", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
