package store

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// holds reports whether the files of a store hold a text. Another process reads them,
// since to close one here would let go of SQLite's locks.
func holds(t *testing.T, dir, text string) bool {
	t.Helper()
	out, err := exec.Command("cat", dir+"/store.sqlite", dir+"/store.sqlite-wal").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(out), text)
}

// Attack: somebody reads in the files what was deleted, while a door still has them
// open. The control is SQLite as it is by itself.
func TestWhatIsDeletedIsGoneFromTheFiles(t *testing.T) {
	const secret = "s3cret-argument"
	for name, value := range map[string]string{"small": secret, "large": strings.Repeat(secret+" ", 20_000)} {
		t.Run(name, func(t *testing.T) {
			dir := stateDir(t)
			door, cli := opened(t, dir), opened(t, dir)
			if err := put(t, door, "k", value); err != nil {
				t.Fatal(err)
			}
			if !holds(t, dir, secret) {
				t.Fatal("control: it was never there")
			}
			if err := cli.Update(t.Context(), func(tx ostiary.Tx) error { return tx.Delete("b", "k") }); err != nil {
				t.Fatal(err)
			}
			if holds(t, dir, secret) {
				t.Error("it is still there")
			}

			c, err := connect(door.files.db())
			if err != nil {
				t.Fatal(err)
			}
			_, put := c.run("INSERT INTO entry (bucket, key, grp, value) VALUES ('b', 'k', '', ?1)", arg(1, []byte(value)))
			_, gone := c.run("DELETE FROM entry WHERE bucket='b'")
			if err := errors.Join(put, gone); err != nil {
				t.Fatal(err)
			}
			if !holds(t, dir, secret) {
				t.Error("control: SQLite by itself forgets")
			}
			if err := c.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A reader keeps the log from being cut. The next that writes does it then, and what
// has expired goes the same way.
func TestForgetsLater(t *testing.T) {
	const secret = "s3cret-argument"
	dir := stateDir(t)
	now := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	s, err := Open(Options{Dir: dir, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		return tx.Put("b", ostiary.Row{Key: "k", Value: []byte(secret), Expires: now.Add(time.Minute)})
	}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	reading, read := make(chan struct{}), make(chan error, 1)
	done := make(chan struct{})
	go func() {
		read <- s.View(t.Context(), func(tx ostiary.Tx) error {
			_, err := tx.Get("b", "k")
			close(reading)
			<-done
			return err
		})
	}()
	<-reading
	if err := put(t, s, "a", "1"); err != nil { // forgets k, which has expired
		t.Fatal(err)
	}
	if !holds(t, dir, secret) || !s.stale {
		t.Error("control: a reader does not keep the log")
	}
	close(done)
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	now = now.Add(forgetEvery)
	if err := put(t, s, "a", "2"); err != nil {
		t.Fatal(err)
	}
	if holds(t, dir, secret) {
		t.Error("it is still there")
	}
}

func BenchmarkUpdateForgets(b *testing.B) {
	s := filled(b, 1000)
	defer cpu(b)()
	for b.Loop() {
		if err := s.Update(b.Context(), func(tx ostiary.Tx) error {
			if err := tx.Put("b", ostiary.Row{Key: "k", Value: make([]byte, 300)}); err != nil {
				return err
			}
			return tx.Delete("b", "k")
		}); err != nil {
			b.Fatal(err)
		}
	}
}
