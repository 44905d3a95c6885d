package audit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Logs commit to each other, so that one which is gone, shorter or new in between
// shows.
func TestVerifyAcrossLogs(t *testing.T) {
	three := func(t *testing.T) (dir string, ids []string) {
		dir = filepath.Join(t.TempDir(), "state")
		for range 3 {
			l := openTest(t, dir, nil)
			fill(t, l, 3)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, l.ID())
		}
		if err := verify(t, dir, VerifyOptions{}).Err(); err != nil {
			t.Fatal(err)
		}
		return dir, ids
	}
	t.Run("missing", func(t *testing.T) {
		dir, ids := three(t)
		os.RemoveAll(filepath.Join(dir, "audit", ids[1]))
		if b := verify(t, dir, VerifyOptions{}).Broken; len(b) != 1 || b[0].Log != ids[1] || !strings.Contains(b[0].What, "is missing") {
			t.Errorf("broken %v", b)
		}
	})
	t.Run("shorter", func(t *testing.T) {
		dir, ids := three(t)
		truncate(t, dir, ids[0], 0)
		if b := verify(t, dir, VerifyOptions{}).Broken; len(b) != 1 || b[0].Log != ids[0] || !strings.Contains(b[0].What, "it ends after 1 records") {
			t.Errorf("broken %v", b)
		}
	})
	t.Run("hidden while others were opened", func(t *testing.T) {
		dir, ids := three(t)
		hidden := filepath.Join(dir, "hidden")
		last := filepath.Join(dir, "audit", ids[2])
		if err := os.Rename(last, hidden); err != nil {
			t.Fatal(err)
		}
		l := openTest(t, dir, nil)
		l.Close()
		if err := os.Rename(hidden, last); err != nil {
			t.Fatal(err)
		}
		if b := verify(t, dir, VerifyOptions{}).Broken; len(b) != 1 || b[0].Log != ids[2] || !strings.Contains(b[0].What, "no later log commits to it") {
			t.Errorf("broken %v", b)
		}
	})
	t.Run("renamed", func(t *testing.T) {
		dir, ids := three(t)
		other := ids[0][:len(ids[0])-8] + "00000000"
		if err := os.Rename(filepath.Join(dir, "audit", ids[0]), filepath.Join(dir, "audit", other)); err != nil {
			t.Fatal(err)
		}
		if b := verify(t, dir, VerifyOptions{}).Broken; len(b) != 2 || !strings.Contains(b[0].What, "belongs to log "+ids[0]) {
			t.Errorf("broken %v", b)
		}
	})
	t.Run("a directory that somebody made", func(t *testing.T) {
		dir, ids := three(t)
		fake := filepath.Join(dir, "audit", ids[2][:len(ids[2])-8]+"ffffffff")
		if err := os.Mkdir(fake, 0o700); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf(`{"v":1,"n":0,"kind":"open","heads":[{"log":"%s","size":99,"root":""}]}`+"\n", ids[0])
		write(t, filepath.Join(fake, segmentName(0)), []byte(line))
		r := verify(t, dir, VerifyOptions{})
		if len(r.Broken) != 0 || len(r.Torn) != 1 {
			t.Errorf("broken %v, torn %v", r.Broken, r.Torn)
		}
	})
	t.Run("the list of settled logs", func(t *testing.T) {
		dir, ids := three(t)
		path := filepath.Join(dir, "audit", settledFile)
		text := read(t, path)
		if bytes.Contains(text, []byte(ids[2])) {
			t.Fatal("the newest log is settled already")
		}
		write(t, path, append(text, []byte(ids[2]+"\n")...)) // forged: hide the newest
		l := openTest(t, dir, nil)
		l.Close()
		if b := verify(t, dir, VerifyOptions{}).Broken; len(b) != 0 {
			t.Errorf("the forged list was believed: %v", b)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, dir, nil)
		l.Close()
		if b := verify(t, dir, VerifyOptions{}).Broken; len(b) != 0 {
			t.Errorf("broken %v", b)
		}
	})
}

// A log that is being written gives no false alarm.
func TestVerifyLive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) { o.SegmentBytes = 64 << 10 })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := recordAny(l, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	last := int64(0)
	for range 15 {
		r := verify(t, dir, VerifyOptions{})
		if err := r.Err(); err != nil {
			t.Error(err)
		}
		if len(r.Live) != 1 || len(r.Torn) != 0 || r.Records < last {
			t.Errorf("report %+v after %d records", r, last)
		}
		last = r.Records
	}
	close(stop)
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Err() != nil || r.Records != l.n {
		t.Errorf("report %+v, %d records written: %v", r, l.n, r.Err())
	}
}
