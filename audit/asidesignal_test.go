package audit

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel answers EINTR in place of "nothing has ended" while a signal waits, and
// the runtime sends them by itself. A log would be synced by threads for all of its life.
func TestSignalsLeaveTheAside(t *testing.T) {
	a := testAside(t)
	defer a.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, tid := unix.Getpid(), unix.Gettid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Tgkill(pid, tid, unix.SIGURG) // the one that preempts
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	for i := range 50_000 {
		if _, n, err := a.ended(); n != 0 || err != nil {
			t.Fatalf("%d: %d, %v", i, n, err)
		}
	}
}
