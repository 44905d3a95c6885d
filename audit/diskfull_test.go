package audit

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A search for which there is no space says so; the control is another error.
func TestASearchOnAFullDiskSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, nil)
	if err := recordAny(l, 0); err != nil {
		t.Fatal(err)
	}
	x, err := openIndex(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.db.Close()
	if _, err := x.db.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // as many as there are
		t.Fatal(err)
	}
	_, full := x.db.ExecContext(t.Context(), "CREATE TABLE more AS SELECT zeroblob(1 << 20)")
	for err, want := range map[error]bool{full: true, unix.ENOSPC: true, unix.EDQUOT: true, fs.ErrPermission: false, errors.New("else"): false} {
		if err == nil {
			t.Fatal("the database is not full")
		}
		said := unreadable(err).Error()
		if strings.Contains(said, "make space") != want || strings.Contains(said, "that you may read it") == want {
			t.Errorf("%v: %s", err, said)
		}
	}
}
