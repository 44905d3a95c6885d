package auth

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestPrincipal(t *testing.T) {
	alice := Peer{User: "alice", UID: "1000", Client: "/usr/bin/node"}
	for name, tc := range map[string]struct {
		entries []Entry
		id      string
		scopes  []string
		hint    string // of the error
	}{
		"none":          {nil, "alice", nil, ""},
		"by name":       {[]Entry{{"al", "alice", []string{"fs:read"}}, {"bob", "bob", []string{"x"}}}, "al", []string{"fs:read"}, ""},
		"by uid":        {[]Entry{{"al", "uid:1000", []string{"fs:read"}}}, "al", []string{"fs:read"}, ""},
		"others only":   {[]Entry{{"bob", "bob", []string{"x"}}}, "alice", nil, ""},
		"prefix":        {[]Entry{{"bob", "alic", []string{"x"}}, {"eve", "uid:100", []string{"y"}}}, "alice", nil, ""},
		"twice":         {[]Entry{{"a", "alice", nil}, {"b", "alice", nil}}, "", nil, "keep one"},
		"twice, by uid": {[]Entry{{"a", "alice", nil}, {"b", "uid:1000", nil}}, "", nil, "keep one"},
		"others twice":  {[]Entry{{"a", "bob", nil}, {"b", "bob", nil}}, "", nil, "keep one"},
		"name twice":    {[]Entry{{"a", "bob", nil}, {"a", "alice", nil}}, "", nil, "keep one"},
		"no user":       {[]Entry{{"a", "", nil}}, "", nil, "needs a name and a user"},
		"no name":       {[]Entry{{"", "alice", nil}}, "", nil, "needs a name and a user"},
		"name taken":    {[]Entry{{"alice", "bob", []string{"x"}}}, "", nil, "user: alice"},
	} {
		p, err := principal(tc.entries, alice)
		if tc.hint != "" {
			if !errors.Is(err, ostiary.CodeConfigInvalid) || !strings.Contains(err.Error(), tc.hint) || !p.IsNobody() {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
			continue
		}
		if err != nil || p.ID != tc.id || !slices.Equal(p.Scopes, tc.scopes) || p.Client != alice.Client {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestPasswdName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	text := "# 1000\nroot:x:0:0:root:/root:/bin/sh\n+1000:x:1000:0::/:/bin/sh\nshort:x:1000\n:x:1000:0::/:/bin/sh\nalice:x:1000:1000:A:/home/alice:/bin/sh\neve:x:1000:1000:E:/home/eve:/bin/sh\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[string]string{"0": "root", "1000": "alice", "100": "", "": ""} {
		if got := passwdName(path, uid); got != want {
			t.Errorf("%s: %q, want %q", uid, got, want)
		}
	}
	if got := passwdName(path+".missing", "0"); got != "" {
		t.Errorf("no file: %q", got)
	}
}

const tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21"

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]string{
		"17 (node)" + tail:                    "node",
		"17 (a b)" + tail:                     "a b",
		"17 (a) R 1 (b)" + tail:               "a) R 1 (b",
		"17 (x) S 9 9 9)" + tail:              "x) S 9 9 9",
		"17 ())" + tail:                       ")",
		"17 ()" + tail:                        "",
		"17 (a\nb)" + tail + "\n":             "a\nb",
		"17 (node)" + tail + " and more 1 2 ": "node",
	} {
		pid, comm, start, err := parseStat([]byte(stat))
		if err != nil || pid != 17 || comm != want || start != 4711 {
			t.Errorf("%q: %d %q %d %v", stat, pid, comm, start, err)
		}
	}
	for _, stat := range []string{
		"", "17", "17 node" + tail, "x (node)" + tail, "-1 (node)" + tail, "0 (node)" + tail, " (node)" + tail,
		"17 (node) S 1 2", "17 (node)" + strings.Replace(tail, "4711", "-1", 1), "17 (", ") (", "17 (node" + tail, "17 () ",
	} {
		if _, _, _, err := parseStat([]byte(stat)); err == nil {
			t.Errorf("%q is accepted", stat)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (node)"+tail), "x")
	f.Add([]byte(") ("), ") S 1")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if pid, _, _, err := parseStat(b); err == nil && pid < 1 {
			t.Fatalf("pid %d", pid)
		}
		// No name that a process gives itself moves the other fields.
		pid, comm, start, err := parseStat([]byte("17 (" + name + ")" + tail))
		if err != nil || pid != 17 || start != 4711 || comm != name {
			t.Fatalf("%q: %d %q %d %v", name, pid, comm, start, err)
		}
	})
}
