//go:build linux

package gateway

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Senders of short and long messages, alone and many at once, write to a pipe of one
// page while its reader takes what it likes: every message arrives once, whole and
// behind those that its sender sent before.
func TestDirectBesideTheWriter(t *testing.T) {
	for name, blocks := range map[string]bool{"does not block": false, "blocks": true} {
		t.Run(name, func(t *testing.T) {
			r, w := narrowPipe(t, blocks)
			before := flagsOf(t, w)
			var many atomic.Bool
			o := newSharedOutbox(w, many.Load)
			if o.direct == nil {
				t.Fatal("control: nothing is written by senders themselves")
			}
			const senders, each = 6, 400
			var all sync.WaitGroup
			for s := range senders {
				all.Go(func() {
					for i := range each {
						many.Store((i/20+s)%3 == 0)
						long := strings.Repeat("x", []int{0, 10, 3000, 5000, 70_000}[i%5])
						send := func(m []byte) error { return o.send(t.Context(), m) }
						if i%7 == 0 {
							send = o.sendNow
						}
						if err := send(fmt.Appendf(nil, "%d %d %s.", s, i, long)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			go func() { all.Wait(); o.finish(time.Minute); w.Close() }()
			in := bufio.NewScanner(r)
			in.Buffer(nil, 1<<20)
			var next [senders]int
			for in.Scan() {
				var s, i int
				if _, err := fmt.Sscanf(in.Text(), "%d %d", &s, &i); err != nil || s >= senders {
					t.Fatalf("torn: %.60q", in.Text())
				}
				want := fmt.Sprintf("%d %d %s.", s, next[s], strings.Repeat("x", []int{0, 10, 3000, 5000, 70_000}[next[s]%5]))
				if in.Text() != want {
					t.Fatalf("got %.60q of %d bytes, want %.60q of %d", in.Text(), len(in.Text()), want, len(want))
				}
				next[s]++
			}
			for s, n := range next {
				if n != each {
					t.Errorf("%d of %d messages of sender %d came", n, each, s)
				}
			}
			if before&syscall.O_NONBLOCK != 0 == blocks {
				t.Fatal("control: this is the other kind of pipe")
			}
		})
	}
}

// What a parent or a child shares with the door is left as it is, and what is no pipe
// is not written without waiting at all.
func TestNobodysFlagsChange(t *testing.T) {
	_, pipe := narrowPipe(t, true)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]*os.File{
		"pipe":   pipe,
		"socket": os.NewFile(uintptr(pair[0]), "socket"),
	}
	defer syscall.Close(pair[1])
	for name, path := range map[string]string{"nothing": os.DevNull, "terminal": "/dev/ptmx", "file": t.TempDir() + "/file"} {
		fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_NOCTTY, 0o600)
		if err != nil {
			continue // not every place has a terminal
		}
		ends[name] = os.NewFile(uintptr(fd), name)
	}
	for name, f := range ends {
		before := flagsOf(t, f)
		d := newDirect(f)
		again := polled(f)
		if (d != nil || again != nil) && name != "pipe" {
			t.Errorf("a %s is taken for a pipe", name)
		}
		if after := flagsOf(t, f); after != before {
			t.Errorf("the flags of a %s were %#x and are %#x", name, before, after)
		}
		if d != nil {
			d.close()
		}
		if again != nil {
			again.Close()
		}
		f.Close()
	}
}

func narrowPipe(t *testing.T, blocks bool) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if blocks {
		fd, err := syscall.Dup(int(w.Fd()))
		if err == nil {
			err = syscall.SetNonblock(fd, false)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
		w = os.NewFile(uintptr(fd), "pipe")
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ
	c, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed syscall.Errno
	if err := c.Control(func(fd uintptr) { _, _, failed = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, 4096) }); err != nil || failed != 0 {
		t.Fatal(err, failed)
	}
	return r, w
}

func flagsOf(t *testing.T, f *os.File) (flags uintptr) {
	t.Helper()
	c, err := f.SyscallConn()
	var failed syscall.Errno
	if err == nil {
		err = c.Control(func(fd uintptr) { flags, _, failed = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0) })
	}
	if err != nil || failed != 0 {
		t.Fatal(err, failed)
	}
	return flags
}
