package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

func closes(t *testing.T, s *socket) {
	t.Helper()
	if err := errors.Join(s.Close(), s.release()); err != nil {
		t.Error(err)
	}
}

// TestSocketPlaces opens sockets at places that are safe and that are not.
func TestSocketPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(dir, path string) error
		refused string // "" if it opens
	}{
		"free": {func(string, string) error { return nil }, ""},
		"left by a dead process": {func(_, path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		}, ""},
		"alive": {func(_, path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}, "another program listens there"},
		"symbolic link to a socket": {func(dir, path string) error {
			l, err := net.Listen("unix", filepath.Join(dir, "other"))
			if err == nil {
				t.Cleanup(func() { l.Close() })
				err = os.Symlink("other", path)
			}
			return err
		}, "symbolic link"},
		"dangling symbolic link":            {func(_, path string) error { return os.Symlink("nowhere", path) }, "symbolic link"},
		"a link for the lock":               {func(_, path string) error { return os.Symlink("nowhere", path+".lock") }, "its lock cannot be made"},
		"a file":                            {func(_, path string) error { return os.WriteFile(path, []byte("x"), 0o600) }, "something else than a socket"},
		"a directory that everybody writes": {func(dir, _ string) error { return os.Chmod(dir, 0o777) }, "can be written by others"},
		"a directory that a group writes":   {func(dir, _ string) error { return os.Chmod(dir, 0o770) }, "can be written by others"},
		"a sticky directory":                {func(dir, _ string) error { return os.Chmod(dir, 0o1777) }, "can be written by others"},
		"no directory":                      {func(dir, _ string) error { return os.Remove(dir) }, "no such directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "socket")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			path := filepath.Join(dir, "door")
			if err := c.prepare(dir, path); err != nil {
				t.Fatal(err)
			}
			s, err := openSocket(path, "")
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%v, want %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if _, err := openSocket(path, ""); err == nil || !strings.Contains(err.Error(), "another door is open there") {
				t.Errorf("a second door: %v", err)
			}
			if conn, err := net.Dial("unix", path); err != nil {
				t.Errorf("the socket cannot be reached: %v", err)
			} else {
				conn.Close()
			}
			closes(t, s)
			if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 || left[0] != path+".lock" {
				t.Errorf("%q is left", left)
			}
		})
	}
}

// What somebody else has put into the place meanwhile stays.
func TestSocketTakesOnlyItsOwnAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d")
	s, err := openSocket(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	closes(t, s)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestSocketGroups(t *testing.T) {
	for group, want := range map[string]int{"": -1, "gid:0": 0, "gid:4711": 4711, "gid:-1": -2, "gid:x": -2, "gid:": -2, "gid:4294967295": -2, "no-such-group-here": -2} {
		got, err := groupID(group)
		if (want == -2) != (err != nil) || err == nil && got != want {
			t.Errorf("%q: %d, %v", group, got, err)
		}
	}
	if _, err := openSocket(filepath.Join(t.TempDir(), strings.Repeat("x", 100)), ""); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a long path: %v", err)
	}
}

// overSocket is a client of a socket.
func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
}

// TestSocketBelievesTheKernel: a token of somebody else is not believed instead of
// the peer, nor is any name that a request gives itself.
func TestSocketBelievesTheKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("run as root to see that a caller of the door's own user is root here")
	}
	upstream, seen := sharedServer(t, false)
	place, err := os.MkdirTemp("", "socket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(place) })
	path := filepath.Join(place, "door")
	d := newDoorway(t, fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential")+
		fmt.Sprintf("serve: {socket: %q}\nprincipals: {me: {user: \"uid:%d\", scopes: [\"notes:read\"]}}\n", path, os.Getuid()))
	url := d.serving()
	key := d.key("walter", "notes:read", "notes:write")

	// The controls: the key counts at the port, and the kernel's word at the socket.
	save := func(client *http.Client, at string) (string, error) {
		s, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
			&mcp.StreamableClientTransport{Endpoint: at, HTTPClient: client, MaxRetries: -1}, nil)
		if err != nil {
			return "", err
		}
		defer s.Close()
		code, _ := d.call(s, "save", "x")
		return code, nil
	}
	if code, err := save(&http.Client{Transport: bearer{key}}, url); code != "" || err != nil {
		t.Fatalf("control: walter's save at the port: %q, %v", code, err)
	}
	inside := "http://localhost/notes/mcp"
	if code, err := save(overSocket(path), inside); code != "policy_scope" || err != nil {
		t.Fatalf("control: my save at the socket: %q, %v", code, err)
	}
	for len(seen) > 0 {
		<-seen
	}
	for what, c := range map[string]struct {
		host   string
		header http.Header
		query  string
		want   int
		said   string
	}{
		"nothing else":          {"localhost", nil, "", http.StatusOK, `"me"`},
		"a key":                 {"localhost", http.Header{"Authorization": {"Bearer " + key}}, "", http.StatusBadRequest, "knows its callers by their user"},
		"another scheme":        {"localhost", http.Header{"Authorization": {"Basic cm9vdDo="}}, "", http.StatusBadRequest, "knows its callers by their user"},
		"a key in the URL":      {"localhost", nil, "?access_token=" + key, http.StatusBadRequest, "in the URL"},
		"an address":            {"localhost", http.Header{"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-User": {"walter"}}, "", http.StatusOK, `"me"`},
		"a page of a site":      {"localhost", http.Header{"Origin": {"https://evil.example"}}, "", http.StatusForbidden, ""},
		"a name of the DNS":     {"evil.example", nil, "", http.StatusForbidden, ""},
		"a connection's number": {"localhost", http.Header{"Remote-Addr": {"unix:1"}}, "", http.StatusOK, `"me"`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.host+"/"+c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range c.header {
			req.Header[name] = values
		}
		resp, err := overSocket(path).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.want || !strings.Contains(string(b), c.said) || strings.Contains(string(b), key) {
			t.Errorf("%s: %d %s, %v", what, resp.StatusCode, b, err)
		}
	}
	if code, err := save(&http.Client{Transport: keyed{key, overSocket(path).Transport}}, inside); err == nil {
		t.Errorf("walter's key at the socket: %q", code)
	}
	for len(seen) > 0 { // the sessions of the controls end meanwhile
		if got := <-seen; got.method == http.MethodPost {
			t.Errorf("the server was reached: %+v", got)
		}
	}
	log := d.command("audit", "query", "--json", "--limit", "1000")
	if !strings.Contains(log, string(ostiary.CodeAuthAmbiguous)) || strings.Contains(log, key) {
		t.Error("the refusals are not in the log, or the key is")
	}
}

// keyed sends a key by another transport.
type keyed struct {
	key string
	by  http.RoundTripper
}

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+k.key)
	return k.by.RoundTrip(r)
}

// TestListenNone: there must be a way in.
func TestListenNone(t *testing.T) {
	for text, want := range map[string]string{"{}": "no way in", "{serve: {socket_group: x}}": "no way in", "{serve: {socket: /nowhere/at/all}}": "no such directory"} {
		file, err := config.Parse("policy.yaml", []byte(text), config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if all, err := (&serveCommand{Listen: nowhere}).listen(t.Context(), &site{file: file}); err == nil || !strings.Contains(err.Error(), want) || len(all) > 0 {
			t.Errorf("%s: %v", text, err)
		}
	}
}
