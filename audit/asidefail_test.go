package audit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

// What is not known to be on the disk ends the log, aside too.
func TestFailureAsideStopsTheLog(t *testing.T) {
	testAside(t).close()
	for name, spoil := range map[string]func(*testing.T, *Log){
		"not heard": func(t *testing.T, l *Log) {
			if err := l.segment.aside.done.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		},
		"the kernel says that it failed": func(t *testing.T, l *Log) { fails(t, l.segment.aside) },
	} {
		t.Run(name, func(t *testing.T) {
			l, _, synced := openCounted(t)
			entries := begun(t, l, 2)
			spoil(t, l)
			before := synced.Load()
			for _, e := range entries[:2] {
				if err := e.End(ostiary.Outcome{Status: ostiary.StatusOK}); !errors.Is(err, ostiary.CodeAuditUnavailable) {
					t.Errorf("End: %v", err)
				}
			}
			if synced.Load() != before {
				t.Error("it was tried again in another way")
			}
			if _, err := l.Begin(testCall("later")); !errors.Is(err, ostiary.CodeAuditUnavailable) {
				t.Errorf("a call behind it: %v", err)
			}
		})
	}
}

// fails lets the next answer be that of an operation that failed: a read to nowhere, since
// no file is at hand whose sync fails.
func fails(t *testing.T, a *aside) {
	t.Helper()
	f, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cb := &ioControl{file: uint32(f.Fd()), flags: ioTellEventFD, eventFD: a.fd} // IOCB_CMD_PREAD
	(*[8]uint64)(unsafe.Pointer(cb))[4] = 8                                     // aio_nbytes
	list := [1]*ioControl{cb}
	if n, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, a.context, 1, uintptr(unsafe.Pointer(&list))); n != 1 || errno != 0 {
		t.Fatal(n, errno)
	}
}

// The kernel's own error is what sync returns, and what fdatasync would.
func TestErrorAside(t *testing.T) {
	a := testAside(t)
	defer a.close()
	fails(t, a)
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2 {
		if err := a.sync(f.Fd()); !errors.Is(err, unix.EFAULT) {
			t.Errorf("sync: %v", err)
		}
	}
}

// An answer that was not heard is not taken for that of a later sync.
func TestTheAnswerOfAnotherSync(t *testing.T) {
	a := testAside(t)
	defer a.close()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, deadline := range []time.Time{time.Unix(1, 0), {}, {}} { // the first is not heard
		if err := a.done.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		if err := a.sync(f.Fd()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("deadline %v: %v", deadline, err)
		}
	}
}
