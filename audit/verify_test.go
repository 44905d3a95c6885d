package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
)

// sample writes a closed log with reads, sinks and refusals, some groups of which
// have more than one record, and returns its state directory and id.
func sample(t testing.TB, change func(*Options)) (dir, id string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, change)
	fill(t, l, 6)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, l.ID()
}

// fill records calls by three callers at once.
func fill(t testing.TB, l *Log, calls int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := w; i < calls; i += 3 {
				if err := recordAny(l, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// recordAny records a read, a sink or a refusal.
func recordAny(l *Log, i int) error {
	id := fmt.Sprintf("call-%d", i)
	switch i % 3 {
	case 0:
		return recordRead(l, testCall(id))
	case 1:
		e, err := l.Begin(testSink(id))
		if err != nil {
			return err
		}
		if err := e.Intent(ostiary.Allowed()); err != nil {
			return err
		}
		return e.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusToolError, Result: &ostiary.Result{Text: "no"}})
	}
	e, err := l.Begin(testSink(id))
	if err != nil {
		return err
	}
	return e.End(ostiary.Outcome{Decision: ostiary.Refused("policy", &ostiary.Error{
		Code: ostiary.CodePolicyScope, Message: "missing scope fs:write: reconnect with it", Reason: "alice has fs:read"})})
}

func verify(t testing.TB, dir string, o VerifyOptions) *Report {
	t.Helper()
	r, err := Verify(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func segmentPath(dir, id string) string { return filepath.Join(dir, "audit", id, segmentName(0)) }

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyIntact(t *testing.T) {
	dir, id := sample(t, nil)
	r := verify(t, dir, VerifyOptions{})
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	// open, 2 reads, 2 sinks of two records, 2 refusals, close
	if r.Logs != 1 || r.Records != 10 || r.Bodies != 8 || r.Dropped != 0 || r.Checkpoints == 0 {
		t.Errorf("report %+v", r)
	}
	if want := int64(len(read(t, segmentPath(dir, id)))); r.Bytes != want {
		t.Errorf("read %d bytes of %d", r.Bytes, want)
	}
}

// owner tells for each byte of a segment to which record it belongs; a checkpoint
// and a body belong to the record before.
func owner(data []byte) []int64 {
	var of []int64
	n := int64(-1)
	for _, line := range bytes.SplitAfter(data, []byte("\n")) {
		if bytes.HasPrefix(line, []byte(recordPrefix)) {
			n++
		}
		for range line {
			of = append(of, n)
		}
	}
	return of
}

func TestLaw1EveryChangedByteIsFoundAndNamed(t *testing.T) {
	dir, id := sample(t, nil)
	path := segmentPath(dir, id)
	data := read(t, path)
	k, err := readKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	of := owner(data)
	flips := []byte{0x01, 0x20, 0xff}
	buf := make([]byte, 64<<10)
	step := 1
	if raceDetector {
		step = 17
	}
	for i := 0; i < len(data); i += step {
		flip := flips[i%len(flips)]
		was := data[i]
		data[i] ^= flip
		if _, err := f.WriteAt(data[i:i+1], int64(i)); err != nil {
			t.Fatal(err)
		}
		check := &logCheck{ctx: context.Background(), verifier: k.verifier, report: &Report{}, progress: func(int64) {}, buf: buf}
		b, err := check.log(filepath.Dir(path), id, false, nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case b == nil:
			t.Fatalf("byte %d, %q ^ %#x: not found; %+v", i, was, flip, check.report)
		case b.N != of[i] || was != '\n' && b.Line != 1+bytes.Count(data[:i], []byte("\n")):
			t.Errorf("byte %d, %q ^ %#x of record %d: named %v\n%q", i, was, flip, of[i], b, data[max(0, i-30):min(i+30, len(data))])
		}
		if i%100 == 0 && i/step%5 == 0 {
			if r := verify(t, dir, VerifyOptions{}); len(r.Broken) != 1 || r.Broken[0] != *b || !errors.Is(r.Err(), ostiary.CodeAuditBroken) {
				t.Errorf("byte %d: %+v", i, r)
			}
		}
		data[i] = was
		if _, err := f.WriteAt(data[i:i+1], int64(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// lines splits a segment into lines with their newlines.
func lines(data []byte) [][]byte {
	all := bytes.SplitAfter(data, []byte("\n"))
	return all[:len(all)-1]
}

func indexOf(all [][]byte, prefix string, nth int) int {
	for i, line := range all {
		if bytes.HasPrefix(line, []byte(prefix)) {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	return -1
}

func TestVerifyFindsAttacks(t *testing.T) {
	at := func(all [][]byte, n int) int { return indexOf(all, fmt.Sprintf(`%s%d,`, recordPrefix, n), 0) }
	tests := []struct {
		name   string
		change func(t *testing.T, all [][]byte) [][]byte
		n      int64
		what   string
	}{
		{"remove a record", func(_ *testing.T, all [][]byte) [][]byte {
			return append(all[:at(all, 3):at(all, 3)], all[at(all, 3)+1:]...)
		}, 3, ""},
		{"remove a group", func(_ *testing.T, all [][]byte) [][]byte {
			first := indexOf(all, checkpointPrefix, 0)
			return append(all[:first+1:first+1], all[indexOf(all, checkpointPrefix, 1)+1:]...)
		}, 1, ""},
		{"swap two records", func(_ *testing.T, all [][]byte) [][]byte {
			a, b := at(all, 2), at(all, 4)
			all[a], all[b] = all[b], all[a]
			return all
		}, 2, "record 4 stands where record 2 was expected"},
		{"insert a copy", func(_ *testing.T, all [][]byte) [][]byte {
			i := at(all, 2)
			return append(all[:i+1:i+1], all[i:]...)
		}, 3, "record 2 stands where"},
		{"change a decision", func(_ *testing.T, all [][]byte) [][]byte {
			for i, line := range all {
				if bytes.Contains(line, []byte(`"deny"`)) {
					all[i] = bytes.Replace(line, []byte(`"deny"`), []byte(`"allow"`), 1)
					return all
				}
			}
			return nil
		}, -2, "not the one that was signed"},
		{"cut off the end behind a closed log's start", func(_ *testing.T, all [][]byte) [][]byte {
			return append(all, all[1])
		}, 9, "behind the end of a closed log"},
		{"garbage in between", func(_ *testing.T, all [][]byte) [][]byte {
			return append(append(all[:2:2], []byte("hello\n")), all[2:]...)
		}, 0, "neither"},
		{"alter a body", func(_ *testing.T, all [][]byte) [][]byte {
			i := indexOf(all, bodyPrefix, 0)
			all[i] = bytes.Replace(all[i], []byte("e"), []byte("E"), 1)
			return all
		}, 1, "the body is not the one"},
		{"move a body", func(_ *testing.T, all [][]byte) [][]byte {
			i, j := indexOf(all, bodyPrefix, 0), indexOf(all, bodyPrefix, 1)
			all[i], all[j] = all[j], all[i]
			return all
		}, 1, "the body is not the one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, id := sample(t, nil)
			path := segmentPath(dir, id)
			changed := test.change(t, lines(read(t, path)))
			write(t, path, bytes.Join(changed, nil))
			r := verify(t, dir, VerifyOptions{})
			if len(r.Broken) != 1 || !strings.Contains(r.Broken[0].What, test.what) || test.n != -2 && r.Broken[0].N != test.n {
				t.Errorf("broken %v, want record %d %q", r.Broken, test.n, test.what)
			}
		})
	}
}

func TestVerifyCountsDroppedBodies(t *testing.T) {
	dir, id := sample(t, nil)
	path := segmentPath(dir, id)
	var kept [][]byte
	for _, line := range lines(read(t, path)) {
		if !bytes.HasPrefix(line, []byte(bodyPrefix)) {
			kept = append(kept, line)
		}
	}
	write(t, path, bytes.Join(kept, nil))
	if r := verify(t, dir, VerifyOptions{}); r.Err() != nil || r.Dropped != 8 || r.Bodies != 0 {
		t.Errorf("report %+v", r)
	}
}

// Somebody without the key can compute the tree but not the signature.
func TestVerifyFindsAnotherKey(t *testing.T) {
	forger, _ := sample(t, nil)
	dir, id := sample(t, nil)
	other, err := openKey(forger, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, id)
	var out []byte
	for _, line := range lines(read(t, path)) {
		if bytes.HasPrefix(line, []byte(checkpointPrefix)) {
			cp, err := parseCheckpointLine(line[:len(line)-1])
			if err != nil {
				t.Fatal(err)
			}
			text, err := appendSigned(nil, &cp.checkpoint, other.signer)
			if err != nil {
				t.Fatal(err)
			}
			line = append(appendCheckpointLine(nil, text, cp.prefixes), '\n')
		}
		out = append(out, line...)
	}
	write(t, path, out)
	r := verify(t, dir, VerifyOptions{})
	if len(r.Broken) != 1 || r.Broken[0].N != 0 || !strings.Contains(r.Broken[0].What, "not signed with this key") {
		t.Errorf("broken %v", r.Broken)
	}
}

// truncate cuts a log behind its k-th checkpoint, which looks like a crash.
func truncate(t *testing.T, dir, id string, k int) {
	t.Helper()
	path := segmentPath(dir, id)
	all := lines(read(t, path))
	write(t, path, bytes.Join(all[:indexOf(all, checkpointPrefix, k)+1], nil))
}

func TestOutsideCheckpointShowsTruncation(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "checkpoints")
	dir, id := sample(t, func(o *Options) { o.CheckpointTo = []string{elsewhere} })
	kept := read(t, elsewhere)
	if err := verify(t, dir, VerifyOptions{Checkpoint: kept}).Err(); err != nil {
		t.Fatal(err)
	}
	truncate(t, dir, id, 1)
	if err := verify(t, dir, VerifyOptions{}).Err(); err != nil {
		t.Fatalf("control: without the outside checkpoint the truncation does not show: %v", err)
	}
	r := verify(t, dir, VerifyOptions{Checkpoint: kept})
	if len(r.Broken) != 1 || !strings.Contains(r.Broken[0].What, "it ends after") {
		t.Errorf("broken %v", r.Broken)
	}
	if err := os.RemoveAll(filepath.Join(dir, "audit", id)); err != nil {
		t.Fatal(err)
	}
	r = verify(t, dir, VerifyOptions{Checkpoint: kept})
	if len(r.Broken) != 1 || !strings.Contains(r.Broken[0].What, "is missing") {
		t.Errorf("broken %v", r.Broken)
	}
}

// Somebody with the key writes another history of the same length.
func TestOutsideCheckpointShowsRollback(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "checkpoints")
	dir, id := sample(t, func(o *Options) { o.CheckpointTo = []string{elsewhere} })
	k, err := openKey(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, id)
	rewrite(t, path, k, func(line []byte) []byte { return bytes.ReplaceAll(line, []byte("alice"), []byte("mallory")) })
	if err := verify(t, dir, VerifyOptions{}).Err(); err != nil {
		t.Fatalf("control: the new history is consistent: %v", err)
	}
	r := verify(t, dir, VerifyOptions{Checkpoint: read(t, elsewhere)})
	if len(r.Broken) != 1 || !strings.Contains(r.Broken[0].What, "knows another history") {
		t.Errorf("broken %v", r.Broken)
	}
	// The newest outside checkpoint alone, as a bare note, is enough.
	var note string
	for _, line := range lines(read(t, elsewhere)) {
		note = string(line[len(checkpointPrefix) : len(line)-3])
	}
	note = strings.ReplaceAll(note, `\n`, "\n")
	if r := verify(t, dir, VerifyOptions{Checkpoint: []byte(note)}); len(r.Broken) != 1 {
		t.Errorf("broken %v", r.Broken)
	}
}

// rewrite makes a new, consistent and signed history from an old one.
func rewrite(t *testing.T, path string, k *key, change func([]byte) []byte) {
	t.Helper()
	var out []byte
	var p pass
	var prev [32]byte
	for _, line := range lines(read(t, path)) {
		line = line[:len(line)-1]
		switch {
		case bytes.HasPrefix(line, []byte(recordPrefix)):
			line = change(line)
			p.takeRecord(line)
		case bytes.HasPrefix(line, []byte(checkpointPrefix)):
			cp, err := parseCheckpointLine(line)
			if err != nil {
				t.Fatal(err)
			}
			cp.root, cp.prev, cp.leaves = p.tree.root(), prev, sum(p.leaves)
			text, err := appendSigned(nil, &cp.checkpoint, k.signer)
			if err != nil {
				t.Fatal(err)
			}
			line = appendCheckpointLine(nil, text, p.leaves)
			prev = sum(line)
			p.leaves = p.leaves[:0]
		}
		out = append(append(out, line...), '\n')
	}
	write(t, path, out)
}

func TestOutsideCheckpointOfAnotherKeyIsAnError(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "checkpoints")
	sample(t, func(o *Options) { o.CheckpointTo = []string{elsewhere} })
	dir, _ := sample(t, nil)
	_, err := Verify(context.Background(), dir, VerifyOptions{Checkpoint: read(t, elsewhere)})
	if !errors.Is(err, ostiary.CodeAuditBroken) {
		t.Errorf("error %v", err)
	}
	_, err = Verify(context.Background(), dir, VerifyOptions{Checkpoint: []byte(`{"checkpoint":"ostiary/`)})
	if err != nil {
		t.Errorf("a line that a crash cut short: %v", err)
	}
	_, err = Verify(context.Background(), dir, VerifyOptions{Checkpoint: []byte("{}")})
	if !errors.Is(err, ostiary.CodeAuditBroken) {
		t.Errorf("error %v", err)
	}
}

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

func FuzzReadSegment(f *testing.F) {
	dir, id := sample(f, nil)
	good := read(f, segmentPath(dir, id))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte("alice"), []byte("mallo"), 1))
	f.Add([]byte(checkpointPrefix + `","leaves":""}` + "\n"))
	f.Add([]byte("{\"body\":\"\n\x00\x00"))
	key := string(read(f, filepath.Join(dir, "key.pub")))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "audit", id), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, segmentPath(dir, id), data)
		r, err := Verify(context.Background(), dir, VerifyOptions{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		// What counts as good is a beginning of what was written, bodies excepted.
		if trimmed := bytes.TrimRight(data, "\x00"); r.Err() == nil && len(r.Torn) == 0 && !bytes.HasPrefix(noBodies(good), noBodies(trimmed)) {
			t.Errorf("changed bytes were accepted: %+v", r)
		}
		r0 := newLineReader(bytes.NewReader(data), 0, int64(len(data)), make([]byte, 16))
		n := 0
		for {
			line, err := r0.line()
			if n += len(line); errors.Is(err, io.EOF) {
				break
			}
			n++
		}
		if n != len(data) {
			t.Errorf("%d of %d bytes were read", n, len(data))
		}
	})
}

func noBodies(data []byte) []byte {
	var out []byte
	for _, line := range bytes.SplitAfter(data, []byte("\n")) {
		if !bytes.HasPrefix(line, []byte(bodyPrefix)) {
			out = append(out, line...)
		}
	}
	return out
}

func sum(b []byte) [32]byte { return sha256.Sum256(b) }
