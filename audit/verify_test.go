package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

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
