package audit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

const forbiddenEnv = "OSTIARY_TEST_FORBIDDEN"

// Where a sandbox forbids any part of it, or what it needs is used up, the log is synced
// as ever. Each case is a process of its own; the control forbids what is not used.
func TestASandboxWithoutAside(t *testing.T) {
	if what := os.Getenv(forbiddenEnv); what != "" {
		inSandbox(t, what)
		return
	}
	testAside(t).close()
	for name, c := range map[string]struct {
		call  uintptr
		errno unix.Errno
		aside bool
	}{
		"control":       {unix.SYS_SWAPON, unix.EPERM, true},
		"io_setup":      {unix.SYS_IO_SETUP, unix.EAGAIN, false}, // as with fs.aio-max-nr
		"eventfd":       {unix.SYS_EVENTFD2, unix.EMFILE, false},
		"io_submit":     {unix.SYS_IO_SUBMIT, unix.EPERM, false},
		"not submitted": {unix.SYS_IO_SUBMIT, 0, false},
		"io_getevents":  {unix.SYS_IO_GETEVENTS, unix.EPERM, false},
		"poller":        {unix.SYS_EPOLL_CTL, unix.ENOSPC, false}, // as with fs.epoll.max_user_watches
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestASandboxWithoutAside$", "-test.v")
			cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", fmt.Sprintf("%s=%d %d %t", forbiddenEnv, c.call, int(c.errno), c.aside))
			out, err := cmd.CombinedOutput()
			switch {
			case err != nil:
				t.Errorf("%v\n%s", err, out)
			case strings.Contains(string(out), "--- SKIP"):
				t.Skipf("%s", out)
			}
		})
	}
}

// inSandbox records many calls and looks at how they are synced.
func inSandbox(t *testing.T, what string) {
	var number, errno uint32
	var aside bool
	if _, err := fmt.Sscanf(what, "%d %d %t", &number, &errno, &aside); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // the poller begins
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := forbid(number, errno); err != nil {
		t.Skip("nothing can be forbidden here: ", err)
	}
	l, written, synced := openCounted(t)
	if n := contexts(t); (n > 0) != (l.segment.aside != nil) {
		t.Errorf("%d contexts behind Open", n)
	}
	entries := begun(t, l, 3)
	n, s := written.Load(), synced.Load()
	if err := entries[0].End(ostiary.Outcome{Status: ostiary.StatusOK}); err != nil {
		t.Fatal(err)
	}
	n, s = written.Load()-n, synced.Load()-s
	if want := map[bool]int64{true: 0, false: 1}[aside]; n != 1 || s != want {
		t.Errorf("%d groups were written and %d synced by who led them; want 1 and %d", n, s, want)
	}
	for _, e := range entries[1:] {
		if err := e.End(ostiary.Outcome{Status: ostiary.StatusOK}); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := contexts(t); n != 0 {
		t.Errorf("%d contexts behind Close", n)
	}
}

// contexts counts what io_setup made for this process and nothing has destroyed.
func contexts(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), "[aio]")
}

// forbid makes a system call fail for the whole process.
func forbid(call, errno uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | errno},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, no := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if no != 0 {
		return no
	}
	return nil
}
