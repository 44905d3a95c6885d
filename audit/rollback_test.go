package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

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
