package audit

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// openTest opens a log that redacts nothing; change adapts the options.
func openTest(t testing.TB, dir string, change func(*Options)) *Log {
	t.Helper()
	l, err := tryOpen(dir, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func tryOpen(dir string, change func(*Options)) (*Log, error) {
	o := Options{
		Dir: dir, Version: "test", PolicyDigest: "sha256:p", Logger: slog.New(slog.DiscardHandler),
		Redact:     func(c *ostiary.Call) []byte { return c.Arguments },
		RedactText: func(s string) string { return s },
	}
	if change != nil {
		change(&o)
	}
	return Open(o)
}

func testCall(id string) *ostiary.Call {
	return &ostiary.Call{
		ID: id, Received: time.Unix(1700000000, 0), Principal: ostiary.Principal{ID: "alice", Client: "/usr/bin/agent"},
		Session: "4711@1700000000", Upstream: "files", Method: "tools/call", Class: ostiary.ClassTool, Target: "read_file",
		Rule: testRule, Effect: ostiary.EffectRead, Closed: true,
		Arguments: []byte(`{"path":"notes/today.txt"}`), Digest: ostiary.Digest{1, 2, 3},
	}
}

func testSink(id string) *ostiary.Call {
	c := testCall(id)
	c.Target, c.Effect, c.Closed = "write_file", ostiary.EffectWrite, false
	return c
}

// disk is a real file whose writes can be made to fail or to wait.
type disk struct {
	file
	write func(p []byte) (int, error) // instead of writing, if it returns an error
	sync  func() error                // instead of syncing, if it returns an error
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	if d.write != nil {
		if n, err := d.write(p); err != nil || n < len(p) {
			done, werr := d.file.WriteAt(p[:n], off)
			return done, errors.Join(err, werr)
		}
	}
	return d.file.WriteAt(p, off)
}

func (d *disk) Sync() error {
	if d.sync != nil {
		if err := d.sync(); err != nil {
			return err
		}
	}
	return d.file.Sync()
}

func onDisk(d *disk) func(*Options) {
	return func(o *Options) {
		o.create = func(path string) (file, error) {
			f, err := createFile(path)
			return &disk{file: f, write: d.write, sync: d.sync}, err
		}
	}
}
