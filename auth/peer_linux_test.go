package auth

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ostiary/ostiary"
)

// TestMain lets the test binary stand in for the door, as a child process.
func TestMain(m *testing.M) {
	if os.Getenv("AUTH_TEST_CHILD") != "" {
		p, err := OSPeer("/proc")
		fmt.Printf("%s|%s|%s|%s|%v", p.User, p.UID, p.Client, p.Session, err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The real thing: a child process names us as its client, whatever the
// environment says.
func TestChildNamesItsParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, _, start, err := parseStat(stat)
	if err != nil {
		t.Fatal(err)
	}
	uid := strconv.Itoa(os.Getuid())
	want := fmt.Sprintf("%s|%s|%s|pid:%d@%d|<nil>", uidOrName(passwdName("/etc/passwd", uid), uid), uid, exe, os.Getpid(), start)
	for range 2 { // the session is the same for every door that we start
		cmd := exec.Command(self)
		cmd.Env = []string{"AUTH_TEST_CHILD=1", "USER=eve", "LOGNAME=eve", "HOME=/home/eve", "UID=4711"}
		out, err := cmd.Output()
		if err != nil || string(out) != want {
			t.Fatalf("got %s, %v\nwant %s", out, err, want)
		}
	}
}

// Attack: a user id that is in no file, with $USER of somebody else. The package
// os/user falls for it in a build without cgo.
func TestUnknownUserIsNotWhoTheEnvironmentSays(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to take another user id")
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "auth")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	door := filepath.Join(dir, "door")
	if err := os.WriteFile(door, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(door)
	cmd.Dir = "/"
	cmd.Env = []string{"AUTH_TEST_CHILD=1", "USER=root", "HOME=/root"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	out, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(out), "uid:54321|54321|comm:") {
		t.Fatalf("got %s, %v", out, err)
	}
}

func fakeProc(t *testing.T, pid int, stat string) string {
	t.Helper()
	proc := t.TempDir()
	dir := filepath.Join(proc, strconv.Itoa(pid))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(stat), 0o600); err != nil {
		t.Fatal(err)
	}
	return proc
}

func TestLook(t *testing.T) {
	proc := fakeProc(t, 17, "17 (no de) (x)"+tail)
	var p Peer
	if err := p.look(proc, 17); err != nil || p.Session != "pid:17@4711" || p.Client != `comm:"no de) (x"` {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := os.Symlink("/opt/app/client", filepath.Join(proc, "17", "exe")); err != nil {
		t.Fatal(err)
	}
	if err := p.look(proc, 17); err != nil || p.Client != "/opt/app/client" {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := p.look(proc, 18); err == nil {
		t.Fatal("a process that is not there")
	}
	if err := p.look(fakeProc(t, 17, "18 (other)"+tail), 17); err == nil {
		t.Fatal("the file of another process")
	}
	var alone Peer
	if err := alone.look("/proc", 0); err != nil || alone.Client != "" || !strings.HasPrefix(alone.Session, fmt.Sprintf("self:%d@", os.Getpid())) {
		t.Fatalf("%+v, %v", alone, err)
	}
}

func TestStdio(t *testing.T) {
	peer, err := OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	p, session, err := Stdio([]Entry{{Name: "me", User: "uid:" + peer.UID, Scopes: []string{"fs:read"}}}, "/proc")
	if err != nil || p.ID != "me" || !p.HasScope("fs:read") || session != peer.Session {
		t.Fatalf("%+v %s %v", p, session, err)
	}
	if p, _, err := Stdio(nil, t.TempDir()); !errors.Is(err, ostiary.CodeAuthNobody) || !p.IsNobody() {
		t.Fatalf("without a parent: %+v, %v", p, err)
	}
	garbage := fakeProc(t, os.Getppid(), string(bytes.Repeat([]byte("("), 1<<10)))
	if _, _, err := Stdio(nil, garbage); !errors.Is(err, ostiary.CodeAuthNobody) {
		t.Fatalf("garbage: %v", err)
	}
}
