package pin

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil { //nolint:gosec // a test's
			t.Fatal(err)
		}
	}
	start := func() {
		put("bin/server", "binary one")
		put("pkg/dist/index.js", "script one")
		put("pkg/package.json", `{"version":"1"}`)
		put("node_modules/@a/b/package.json", `{"version":"1"}`)
	}
	for name, tt := range map[string]struct {
		before, after []string
		change        func()
		same          bool
	}{
		"nothing":                 {before: []string{"./bin/server", "x"}, same: true},
		"a setting":               {before: []string{"./bin/server", "/a"}, after: []string{"./bin/server", "/b"}, same: true},
		"the binary":              {before: []string{"./bin/server"}, change: func() { put("bin/server", "binary two") }},
		"another binary":          {before: []string{"./bin/server"}, after: []string{"./bin/other"}},
		"the binary is gone":      {before: []string{"./bin/server"}, change: func() { os.Remove(filepath.Join(dir, "bin/server")) }},
		"the script":              {before: []string{"node", "pkg/dist/index.js"}, change: func() { put("pkg/dist/index.js", "script two") }},
		"its package":             {before: []string{"node", "pkg/dist/index.js"}, change: func() { put("pkg/package.json", `{"version":"2"}`) }},
		"a setting of the script": {before: []string{"node", "pkg/dist/index.js", "/a"}, after: []string{"node", "pkg/dist/index.js", "/b"}, same: true},
		"code in words":           {before: []string{"node", "-e", "1", "x"}, after: []string{"node", "-e", "2", "x"}},
		"loaded first":            {before: []string{"node", "--require=./a.js", "pkg/dist/index.js"}, after: []string{"node", "--require=./b.js", "pkg/dist/index.js"}},
		"fetched":                 {before: []string{"npx", "-y", "good@1"}, after: []string{"npx", "-y", "evil@1"}},
		"fetched, a setting":      {before: []string{"npx", "-y", "good@1", "/a"}, after: []string{"npx", "-y", "good@1", "/b"}, same: true},
		"fetched, a version":      {before: []string{"npx", "-y", "good@1"}, after: []string{"npx", "-y", "good@2"}},
		"fetched, installed":      {before: []string{"npx", "@a/b"}, change: func() { put("node_modules/@a/b/package.json", `{"version":"2"}`) }},
		"a shell":                 {before: []string{"sh", "-c", "good"}, after: []string{"sh", "-c", "evil"}},
		"an image":                {before: []string{"docker", "run", "good"}, after: []string{"docker", "run", "evil"}},
	} {
		start()
		if tt.after == nil {
			tt.after = tt.before
		}
		before := Program(tt.before, dir)
		if tt.change != nil {
			tt.change()
		}
		after := Program(tt.after, dir)
		if got := before.Digest() == after.Digest(); got != tt.same {
			t.Errorf("%s: same is %v: %s and %s", name, got, before, after)
		}
	}
	if s := Program([]string{"sh", "-c", "secret-token"}, dir).String(); strings.Contains(s, "secret-token") {
		t.Errorf("words are kept: %s", s)
	}
}

func TestPeer(t *testing.T) {
	key := func(spki string) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("renewed"), RawSubjectPublicKeyInfo: []byte(spki)}}}
	}
	one := Peer("https://user:secret@a.example/mcp?token=secret#x", key("one"))
	if s := one.String(); strings.Contains(s, "secret") || !strings.Contains(s, "https://a.example/mcp") {
		t.Errorf("got %s", s)
	}
	for name, tt := range map[string]struct {
		other Identity
		same  bool
	}{
		"the same key":  {Peer("https://a.example/mcp?token=secret", key("one")), true},
		"another key":   {Peer("https://a.example/mcp?token=secret", key("two")), false},
		"no key":        {Peer("https://a.example/mcp?token=secret", nil), false},
		"another URL":   {Peer("https://b.example/mcp?token=secret", key("one")), false},
		"another query": {Peer("https://a.example/mcp?token=other", key("one")), false},
	} {
		if got := one.Digest() == tt.other.Digest(); got != tt.same {
			t.Errorf("%s: same is %v", name, got)
		}
	}
}
