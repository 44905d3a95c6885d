package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

var testRule = &ostiary.Rule{Pattern: "files/read_*", Source: "policy.yaml:14", Effect: ostiary.EffectRead, Closed: true}

// Law 1: Intent and End return only after what they record is on the disk.
func TestLaw1RecordedOrItDidNotHappen(t *testing.T) {
	var mu sync.Mutex
	var written, durable bytes.Buffer // as a disk sees it
	d := &disk{
		write: func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return written.Write(p) },
		sync: func() error {
			mu.Lock()
			defer mu.Unlock()
			durable.Reset()
			durable.Write(written.Bytes())
			return nil
		},
	}
	l := openTest(t, filepath.Join(t.TempDir(), "state"), onDisk(d))
	isDurable := func(what string) bool {
		mu.Lock()
		defer mu.Unlock()
		i := bytes.Index(durable.Bytes(), []byte(what))
		return i >= 0 && bytes.Contains(durable.Bytes()[i:], []byte(checkpointPrefix))
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("%d-%d", w, i)
				e, err := l.Begin(testSink(id))
				if err != nil {
					t.Error(err)
					return
				}
				if isDurable(`"call":"` + id + `"`) {
					t.Error("Begin recorded something")
				}
				if err := e.Intent(ostiary.Allowed()); err != nil || !isDurable(`"kind":"intent","call":"`+id+`"`) {
					t.Errorf("intent of %s is not durable: %v", id, err)
				}
				if err := e.End(ostiary.Outcome{Status: ostiary.StatusOK}); err != nil || !isDurable(`"kind":"outcome","call":"`+id+`"`) {
					t.Errorf("outcome of %s is not durable: %v", id, err)
				}
			}
		})
	}
	wg.Wait()
}

// Law 1 and 2: after the first failure nothing is recorded and nothing passes.
func TestLaw1AFailingDiskStopsCalls(t *testing.T) {
	tests := []struct {
		name string
		disk func(fail *bool) *disk
	}{
		{"disk full", func(fail *bool) *disk {
			return &disk{write: func(p []byte) (int, error) {
				if *fail {
					return 0, unix.ENOSPC
				}
				return len(p), nil
			}}
		}},
		{"short write", func(fail *bool) *disk {
			return &disk{write: func(p []byte) (int, error) {
				if *fail {
					return len(p) / 2, nil
				}
				return len(p), nil
			}}
		}},
		{"sync fails", func(fail *bool) *disk {
			return &disk{sync: func() error {
				if *fail {
					return unix.EIO
				}
				return nil
			}}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			var mu sync.Mutex
			fail := false
			d := test.disk(&fail)
			locked := &disk{}
			if d.write != nil {
				locked.write = func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return d.write(p) }
			}
			if d.sync != nil {
				locked.sync = func() error { mu.Lock(); defer mu.Unlock(); return d.sync() }
			}
			l := openTest(t, dir, onDisk(locked))
			if err := recordAny(l, 0); err != nil {
				t.Fatal(err)
			}
			e, err := l.Begin(testSink("under way"))
			if err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			fail = true
			mu.Unlock()
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					if err := recordAny(l, 1); !errors.Is(err, ostiary.CodeAuditUnavailable) {
						t.Errorf("error %v", err)
					}
				})
			}
			wg.Wait()
			// It does not recover: what a disk holds after a failed sync is unknown.
			mu.Lock()
			fail = false
			mu.Unlock()
			if err := e.Intent(ostiary.Allowed()); !errors.Is(err, ostiary.CodeAuditUnavailable) || !strings.Contains(ostiary.AsError(err).Message, "restart") {
				t.Errorf("error %v", err)
			}
			if err := e.End(ostiary.Outcome{}); !errors.Is(err, ostiary.CodeAuditUnavailable) {
				t.Errorf("error %v", err)
			}
			if _, err := l.Begin(testCall("later")); !errors.Is(err, ostiary.CodeAuditUnavailable) {
				t.Errorf("Begin: %v", err)
			}
			if err := l.Close(); !errors.Is(err, ostiary.CodeAuditUnavailable) {
				t.Errorf("Close: %v", err)
			}
			// The next start finds a sound log.
			next := openTest(t, dir, nil)
			if err := recordAny(next, 2); err != nil {
				t.Error(err)
			}
			if r := verify(t, dir, VerifyOptions{}); r.Err() != nil || r.Logs != 2 {
				t.Errorf("report %+v", r)
			}
		})
	}
}

// A real full file system, where the machine lets us have one.
func TestLaw1AFullFileSystemStopsCalls(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=6m,mode=0700"); err != nil {
		t.Skipf("SKIPPED, no full file system was tested: cannot mount a tmpfs: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	l, err := tryOpen(filepath.Join(dir, "state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	recorded := 0
	c := testCall("big")
	c.Arguments = []byte(`"` + strings.Repeat("x", 60<<10) + `"`)
	for ; err == nil && recorded < 1000; recorded++ {
		err = recordRead(l, c)
	}
	if !errors.Is(err, ostiary.CodeAuditUnavailable) || !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("after %d records: %v", recorded, err)
	}
	l.Close()
	r := verify(t, filepath.Join(dir, "state"), VerifyOptions{})
	if r.Err() != nil || r.Records < int64(recorded)-1 {
		t.Errorf("%d were acknowledged; report %+v", recorded, r)
	}
}

func TestEntryIsUsedOnce(t *testing.T) {
	l := openTest(t, filepath.Join(t.TempDir(), "state"), nil)
	e, err := l.Begin(testSink("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Intent(ostiary.Allowed()), e.End(ostiary.Outcome{})); err != nil {
		t.Fatal(err)
	}
	if err := e.Intent(ostiary.Allowed()); !errors.Is(err, ostiary.CodeInternal) {
		t.Error(err)
	}
	if err := e.End(ostiary.Outcome{}); !errors.Is(err, ostiary.CodeInternal) {
		t.Error(err)
	}
	if _, err := l.Begin(nil); err == nil {
		t.Error("a call that is none was announced")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(testCall("b")); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Many writers, small segments: every record is there once, in order, and the
// files have no spare space after Close.
func TestConcurrentWritersAndRotation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) { o.SegmentBytes = 32 << 10 })
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := range 20 {
				if err := recordRead(l, testCall(fmt.Sprintf("%d-%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, dir, VerifyOptions{})
	if r.Err() != nil || r.Records != 32*20+2 || r.Bodies != 32*20 {
		t.Errorf("report %+v", r)
	}
	count, err := segmentsOf(l.dir)
	if err != nil || count < 5 {
		t.Errorf("%d segments, %v", count, err)
	}
	seen := map[string]bool{}
	var hashes []tlog.Hash
	for n := range count {
		data := read(t, filepath.Join(l.dir, segmentName(n)))
		if len(data) == 0 || data[len(data)-1] != '\n' {
			t.Errorf("segment %d ends with %q", n, data[max(0, len(data)-10):])
		}
		for _, line := range lines(data) {
			line = line[:len(line)-1]
			if bytes.HasPrefix(line, []byte(checkpointPrefix)) {
				cp := checkNote(t, l, line)
				want, err := tlog.TreeHash(cp.size, reader(hashes))
				if err != nil || want != cp.root {
					t.Fatalf("root of %d records: %v, want %v (%v)", cp.size, cp.root, want, err)
				}
			}
			if !bytes.HasPrefix(line, []byte(recordPrefix)) {
				continue
			}
			more, err := tlog.StoredHashes(int64(len(seen)), line, reader(hashes))
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, more...)
			var rec Record
			if err := json.Unmarshal(line, &rec); err != nil || rec.N != int64(len(seen)) || seen[rec.Kind+rec.Call] {
				t.Errorf("record %d: %v %s", len(seen), err, line)
			}
			seen[rec.Kind+rec.Call] = true
		}
	}
}

func reader(hashes []tlog.Hash) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, hashes[i])
		}
		return out, nil
	})
}

// checkNote reads a checkpoint with package note, as somebody else would.
func checkNote(t *testing.T, l *Log, line []byte) *signedCheckpoint {
	t.Helper()
	var outer struct{ Checkpoint string }
	if err := json.Unmarshal(line, &outer); err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(outer.Checkpoint), note.VerifierList(l.key.verifier))
	if err != nil || !strings.HasPrefix(n.Text, "ostiary/"+l.id+"\n") {
		t.Fatalf("note %+v, %v", n, err)
	}
	cp, err := parseCheckpointLine(line)
	if err != nil || !cp.signedBy(l.key.verifier) {
		t.Fatalf("checkpoint %v", err)
	}
	return cp
}

func TestOpenRefuses(t *testing.T) {
	private := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "state")
		openTest(t, dir, nil).Close()
		return dir
	}
	tests := []struct {
		name string
		make func(t *testing.T, dir string) error
	}{
		{"key others can read", func(_ *testing.T, dir string) error { return os.Chmod(filepath.Join(dir, "key"), 0o640) }},
		{"directory others can enter", func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o711) }},
		{"audit directory others can enter", func(_ *testing.T, dir string) error { return os.Chmod(filepath.Join(dir, "audit"), 0o755) }},
		{"key that is a link", func(_ *testing.T, dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "key"), filepath.Join(dir, "k")), os.Symlink("k", filepath.Join(dir, "key")))
		}},
		{"key of another user", func(t *testing.T, dir string) error {
			if os.Geteuid() != 0 {
				t.Skip("SKIPPED: only root can give a file away")
			}
			return os.Chown(filepath.Join(dir, "key"), 12345, 0)
		}},
		{"key that is none", func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "key"), []byte("PRIVATE+KEY"), 0o600)
		}},
		{"public key of another key", func(t *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "key.pub"), read(t, filepath.Join(private(t), "key.pub")), 0o600)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := private(t)
			if err := test.make(t, dir); err != nil {
				t.Fatal(err)
			}
			if l, err := tryOpen(dir, nil); !errors.Is(err, ostiary.CodeStateUnsafe) {
				t.Errorf("log %v, error %v", l, err)
			}
		})
	}
	if _, err := tryOpen(filepath.Join(t.TempDir(), "s"), func(o *Options) { o.Redact = nil }); err == nil {
		t.Error("a log without a redactor was opened")
	}
	if _, err := tryOpen(filepath.Join(t.TempDir(), "s"), func(o *Options) { o.CheckpointTo = []string{"ftp://x"} }); !errors.Is(err, ostiary.CodeConfigInvalid) {
		t.Error(err)
	}
	if _, err := tryOpen(filepath.Join(t.TempDir(), "s"), func(o *Options) { o.Rand = io.LimitReader(nil, 0) }); err == nil {
		t.Error("a log without randomness was opened")
	}
}
