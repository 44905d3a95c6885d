package audit

import (
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

var testRule = &ostiary.Rule{Pattern: "files/read_*", Source: "policy.yaml:14", Effect: ostiary.EffectRead, Closed: true}

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

func TestSmoke(t *testing.T) {
	dir := t.TempDir() + "/state"
	l := openTest(t, dir, nil)
	if err := recordRead(l, testCall("a")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	openTest(t, dir, nil)
}
