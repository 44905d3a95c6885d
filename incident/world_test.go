package incident_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/incident"
)

// clock gives each record another minute.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) tick() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Minute)
	return c.now
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// world is a state directory with some logs.
type world struct {
	t     testing.TB
	state string
	clock *clock
	calls int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, state: filepath.Join(t.TempDir(), "state"), clock: &clock{now: begin}}
	return w
}

func (w *world) open() *audit.Log {
	w.t.Helper()
	l, err := audit.Open(audit.Options{
		Dir: w.state, Version: "test", PolicyDigest: digestOf(policyText), Logger: slog.New(slog.DiscardHandler), Clock: w.clock.tick,
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	return l
}

// call records one write of a principal: intent and outcome.
func (w *world) call(l *audit.Log, principal, tool string) {
	w.t.Helper()
	w.calls++
	c := &ostiary.Call{
		ID: fmt.Sprintf("call-%d", w.calls), Principal: ostiary.Principal{ID: principal}, Session: "s-" + principal, Upstream: "files",
		Method: "tools/call", Class: ostiary.ClassTool, Target: tool, Effect: ostiary.EffectWrite,
		Rule:      &ostiary.Rule{Pattern: "files/*", Effect: ostiary.EffectWrite},
		Arguments: fmt.Appendf(nil, `{"path":"notes/%d.txt"}`, w.calls), Digest: ostiary.Digest{1},
	}
	e, err := l.Begin(c)
	if err == nil {
		err = errors.Join(e.Intent(ostiary.Allowed()), e.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusOK, Result: &ostiary.Result{Text: "wrote it"}}))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// filled has two logs of alice and bob, a policy and a list of tools.
func filled(t testing.TB) *world {
	w := newWorld(t)
	for range 2 {
		l := w.open()
		if err := l.Note(ostiary.Event{Name: "catalog_listed", Subject: listDigest, Upstream: "files"}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w.call(l, "alice", "write_file")
			w.call(l, "bob", "move_file")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.write("policy/"+digestOf(policyText)+".yaml", policyText)
	w.write("catalog/history/files-"+listDigest+".json", `{"upstream":"files","lists":{"tools":[{"name":"write_file"}]}}`)
	w.write("catalog/files.json", `{"tools":["other"]}`)
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.state, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() incident.Options {
	return incident.Options{
		State: w.state, Version: "test", Now: func() time.Time { return begin.Add(24 * time.Hour) },
		Mask: func(text []byte) ([]byte, bool) { return text, true },
		Parts: []incident.Part{
			{Name: "grants", Rows: rows(map[string]string{"id": "g1"})},
			{Name: "freezes", Absent: "there is no store"},
		},
	}
}

func rows(all ...any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (w *world) export(change func(*incident.Options)) []byte {
	w.t.Helper()
	o := w.options()
	if change != nil {
		change(&o)
	}
	var b bytes.Buffer
	if _, err := incident.Export(w.t.Context(), &b, o); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

func verify(t testing.TB, archive []byte, o incident.VerifyOptions) *incident.Report {
	t.Helper()
	rep, err := incident.Verify(context.Background(), bytes.NewReader(archive), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// file is one entry of an archive.
type file struct {
	name string
	data []byte
}

func unpacked(t testing.TB, archive []byte) []file {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var all []file
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file{h.Name, data})
	}
}

// packed is the archive of these files as the export would write them.
func packed(t testing.TB, files []file, change func(*tar.Header)) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if change != nil {
			change(h)
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(f.data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func key(t testing.TB, w *world) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.state, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
