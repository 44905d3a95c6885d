package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
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
