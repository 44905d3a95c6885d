package audit

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestAliveUntilTheLogIsLetGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, nil)
	before, err := os.ReadDir(filepath.Join(dir, "audit", l.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if !Alive(dir, l.ID()) {
		t.Error("an open log counts as dead")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if Alive(dir, l.ID()) {
		t.Error("a closed log counts as alive")
	}
	after, err := os.ReadDir(filepath.Join(dir, "audit", l.ID()))
	if err != nil || len(after) != len(before) {
		t.Errorf("before %v, after %v, %v", before, after, err)
	}
	for _, id := range []string{"", ".", "..", "../audit", "settled", "20261121T122900-000000000-00000000"} {
		if Alive(dir, id) {
			t.Errorf("%q counts as alive", id)
		}
	}
}

// What cannot be found out is not taken over.
func TestAliveWhereItIsUnknown(t *testing.T) {
	dir := t.TempDir()
	id := "20261121T122900-000000000-00000000"
	if err := os.WriteFile(filepath.Join(dir, "audit"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !Alive(dir, id) {
		t.Error("a log whose directory cannot be opened counts as dead")
	}
}

// A process that is killed lets go, and asking many times at once never makes a
// dead one look alive.
func TestAliveAfterAKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	c := startWriter(t, dir, "w")
	c.collect(1)
	ids, err := logIDs(filepath.Join(dir, "audit"))
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	if !Alive(dir, ids[0]) {
		t.Error("a process that writes counts as dead")
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.collect(-1)
	<-c.done
	c.cmd.Wait() // it was killed
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if Alive(dir, ids[0]) {
					t.Error("a process that was killed counts as alive")
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkAlive(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "state")
	l, err := tryOpen(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		if !Alive(dir, l.ID()) {
			b.Fatal("dead")
		}
	}
}
