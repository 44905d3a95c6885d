package auth

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ostiary/ostiary"
)

// knock connects to a socket of its own and returns what the listener made of it.
func knock(t *testing.T, entries []Entry, proc string) (*Socket, *http.Request) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSocket(l, entries, proc)
	t.Cleanup(func() { s.Close() })
	out, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	in, err := s.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	r, err := http.NewRequest(http.MethodGet, "http://localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = in.RemoteAddr().String()
	return s, r
}

// We are our own peer: the session is our parent, as over stdio.
func TestSocketNamesThePeer(t *testing.T) {
	mine, err := OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	s, r := knock(t, []Entry{{Name: "me", User: "uid:" + mine.UID, Scopes: []string{"a"}}}, "/proc")
	who, session, err := s.Authenticate(r)
	if err != nil || who.ID != "me" || !who.HasScope("a") || who.Apart || session != mine.Session || who.Client != mine.Client {
		t.Errorf("%+v %q %v, want %+v", who, session, err, mine)
	}
	if !s.Has(r) || s.Address(r) != "uid:"+mine.UID {
		t.Errorf("%q", s.Address(r))
	}
	for remote, has := range map[string]bool{"unix:99": true, "unix:": true, "127.0.0.1:1": false, "": false} {
		r := r.Clone(t.Context())
		r.RemoteAddr = remote
		if who, _, err := s.Authenticate(r); !errors.Is(err, ostiary.CodeAuthNobody) || !who.IsNobody() || s.Has(r) != has {
			t.Errorf("%q: %+v, %v", remote, who, err)
		}
	}
}

// TestSocketRefuses: whom the system or the file does not name is nobody.
func TestSocketRefuses(t *testing.T) {
	uid := strconv.Itoa(os.Getuid())
	taken := uidOrName(passwdName("/etc/passwd", uid), uid)
	for name, c := range map[string]struct {
		entries []Entry
		proc    string
	}{
		"no proc":                     {nil, t.TempDir()},
		"somebody else's name":        {[]Entry{{Name: taken, User: "uid:4711"}}, "/proc"},
		"two rows":                    {[]Entry{{Name: "a", User: taken}, {Name: "b", User: "uid:" + uid}}, "/proc"},
		"a user without a number":     {nil, overflowing(t, uid)},
		"another process of that id ": {nil, fakeProc(t, os.Getpid(), "18 (other)"+tail)},
	} {
		s, r := knock(t, c.entries, c.proc)
		if who, session, err := s.Authenticate(r); !errors.Is(err, ostiary.CodeAuthNobody) || !who.IsNobody() || who.Apart || session != "" {
			t.Errorf("%s: %+v %q %v", name, who, session, err)
		}
	}
}

// overflowing is a proc where a user is the one who stands for all unknown ones.
func overflowing(t *testing.T, uid string) string {
	t.Helper()
	proc := t.TempDir()
	dir := filepath.Join(proc, "sys", "kernel")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overflowuid"), []byte(uid+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{os.Getpid(), os.Getppid()} {
		if err := os.Symlink(fmt.Sprintf("/proc/%d", pid), filepath.Join(proc, strconv.Itoa(pid))); err != nil {
			t.Fatal(err)
		}
	}
	return proc
}

// The connections of one user are bounded, and counted down when they end.
func TestSocketBoundsConnections(t *testing.T) {
	s, _ := knock(t, nil, "/proc")
	uid := strconv.Itoa(os.Getuid())
	s.mu.Lock()
	s.of[uid] = maxSocketConns - 1
	s.mu.Unlock()
	open := func() *socketConn {
		a, b, err := bothEnds(t)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		return s.admit(b)
	}
	last := open()
	if last == nil {
		t.Fatal("control: there is room for one")
	}
	if open() != nil {
		t.Error("one too many was let in")
	}
	for range 2 { // a second Close counts nothing
		_ = last.Close()
	}
	if open() == nil || open() != nil {
		t.Error("the place of one that ended is not that of one")
	}
}

func bothEnds(t *testing.T) (net.Conn, net.Conn, error) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	a, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	b, err := l.Accept()
	return a, b, err
}
