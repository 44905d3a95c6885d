package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
)

func put(t testing.TB, s *SQLite, key, value string) error {
	t.Helper()
	return s.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Put("b", ostiary.Row{Key: key, Value: []byte(value)}) })
}

func get(t testing.TB, s *SQLite, key string) (value string, err error) {
	t.Helper()
	err = s.View(t.Context(), func(tx ostiary.Tx) error {
		r, err := tx.Get("b", key)
		if r != nil {
			value = string(r.Value)
		}
		return err
	})
	return value, err
}

// kept makes a store with a row and closes it.
func kept(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir() + "/state"
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put(t, s, "k", "v"), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// denied checks that everything fails with a code, and says what to do.
func denied(t *testing.T, s *SQLite, code ostiary.Code) {
	t.Helper()
	_, read := get(t, s, "k")
	_, look := s.Version(t.Context(), "b")
	for what, err := range map[string]error{"Update": put(t, s, "new", "x"), "View": read, "Version": look} {
		refused(t, what, err, code)
	}
}

func refused(t *testing.T, what string, err error, code ostiary.Code) {
	t.Helper()
	var e *ostiary.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	} else if e.Message == "" || strings.Contains(e.Message, t.TempDir()) {
		t.Errorf("%s: message %q", what, e.Message)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir() + "/state"
	s := opened(t, dir)
	if err := put(t, s, "k", "v"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v", info.Mode(), err)
	}
}

// TestUnsafe opens, and goes on using, stores that others can reach.
func TestUnsafe(t *testing.T) {
	chmod := func(name string, mode os.FileMode) func(dir string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, name), mode) }
	}
	chown := func(name string) func(dir string) error {
		return func(dir string) error { return os.Lchown(filepath.Join(dir, name), 12345, -1) }
	}
	link := func(dir string) error {
		db := filepath.Join(dir, fileDB)
		return errors.Join(os.Rename(db, dir+"-elsewhere"), os.Symlink(dir+"-elsewhere", db))
	}
	for name, c := range map[string]struct {
		do    func(dir string) error
		owner bool
		live  bool // noticed also by a store that is open
	}{
		"nothing":                {do: func(string) error { return nil }},
		"directory of all":       {do: chmod(".", 0o755)},
		"database for the group": {do: chmod(fileDB, 0o640), live: true},
		"database for all":       {do: chmod(fileDB, 0o606), live: true},
		"log for all":            {do: chmod(fileDB+"-wal", 0o644), live: true},
		"index for all":          {do: chmod(fileDB+"-shm", 0o622), live: true},
		"lock for all":           {do: chmod(fileLock, 0o666)},
		"mark for all":           {do: chmod(fileMade, 0o644)},
		"a link":                 {do: link},
		"directory of another":   {do: chown("."), owner: true},
		"database of another":    {do: chown(fileDB), owner: true, live: true},
		"log of another":         {do: chown(fileDB + "-wal"), owner: true, live: true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.owner && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			dir := kept(t)
			live := opened(t, dir)
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			s, err := Open(Options{Dir: dir})
			if err == nil {
				defer s.Close()
			}
			if name == "nothing" { // control
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			refused(t, "Open", err, ostiary.CodeStateUnsafe)
			if c.live {
				denied(t, live, ostiary.CodeStateUnsafe)
			}
		})
	}
}

// TestDeletedOrReplaced takes files away from under a store that is open.
func TestDeletedOrReplaced(t *testing.T) {
	for _, name := range []string{fileDB, fileDB + "-wal", fileDB + "-shm"} {
		t.Run(name, func(t *testing.T) {
			dir := kept(t)
			s := opened(t, dir)
			if err := put(t, s, "k", "v2"); err != nil { // control
				t.Fatal(err)
			}
			path, aside := filepath.Join(dir, name), filepath.Join(dir, "aside")
			if err := os.Rename(path, aside); err != nil {
				t.Fatal(err)
			}
			denied(t, s, ostiary.CodeStoreUnavailable)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			denied(t, s, ostiary.CodeStoreUnavailable)
			if err := os.Rename(aside, path); err != nil {
				t.Fatal(err)
			}
			if v, err := get(t, s, "k"); v != "v2" || err != nil {
				t.Errorf("with the file back: %q, %v", v, err)
			}
			if _, err := get(t, s, "new"); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("while f runs", func(t *testing.T) {
		dir := kept(t)
		s := opened(t, dir)
		err := s.Update(t.Context(), func(tx ostiary.Tx) error {
			return errors.Join(tx.Put("b", ostiary.Row{Key: "k"}), os.Remove(filepath.Join(dir, fileDB)))
		})
		refused(t, "Update", err, ostiary.CodeStoreUnavailable)
	})
}

// TestNeverSilentlyEmpty opens what is left of a store that was there.
func TestNeverSilentlyEmpty(t *testing.T) {
	for name, lose := range map[string]func(dir string) error{
		"database deleted": func(dir string) error { return os.Remove(filepath.Join(dir, fileDB)) },
		"database deleted, log left": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, fileDB)), os.Remove(filepath.Join(dir, fileMade)), os.WriteFile(filepath.Join(dir, fileDB+"-wal"), []byte("x"), 0o600))
		},
		"database emptied":  func(dir string) error { return os.Truncate(filepath.Join(dir, fileDB), 0) },
		"database cut":      func(dir string) error { return os.Truncate(filepath.Join(dir, fileDB), 5000) },
		"header destroyed":  func(dir string) error { return scribble(dir, 0, 64) },
		"another program's": func(dir string) error { return scribble(dir, 68, 4) },
		"a text file":       func(dir string) error { return os.WriteFile(filepath.Join(dir, fileDB), []byte("hello\n"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := kept(t)
			if err := lose(dir); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s, err := Open(Options{Dir: dir})
				if err == nil {
					_, err = get(t, s, "k") // damage behind the first page shows when it is read
					s.Close()
				}
				refused(t, "Open", err, ostiary.CodeStoreUnavailable)
			}
		})
	}
}

func TestDamagedPage(t *testing.T) {
	dir := kept(t)
	info, err := os.Stat(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	if err := scribble(dir, 4096, int(info.Size())-4096); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: dir})
	if err == nil {
		defer s.Close()
		_, err = get(t, s, "k")
		refused(t, "Update", put(t, s, "k", "x"), ostiary.CodeStoreUnavailable)
	}
	refused(t, "View", err, ostiary.CodeStoreUnavailable)
	if err != nil && !strings.Contains(err.Error(), "damaged") {
		t.Errorf("the message does not say that it is damaged: %v", err)
	}
}

func scribble(dir string, at int64, n int) error {
	f, err := os.OpenFile(filepath.Join(dir, fileDB), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, n), at)
	return errors.Join(err, f.Close())
}

// TestFirstStart: many open a store that is not there, and it becomes one.
func TestFirstStart(t *testing.T) {
	dir := t.TempDir() + "/state"
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s, err := Open(Options{Dir: dir})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(put(t, s, string(rune('a'+i)), "v"), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := opened(t, dir)
	for i := range 20 {
		if v, err := get(t, s, string(rune('a'+i))); v != "v" || err != nil {
			t.Errorf("row %d: %q, %v", i, v, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "store.new-*")); len(left) > 0 || err != nil {
		t.Errorf("left over: %q, %v", left, err)
	}
}
