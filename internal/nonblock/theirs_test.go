package nonblock_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/nonblock"
)

const childEnv = "OSTIARY_TEST_NONBLOCK_CHILD"

// Who started us, or another of its children, may let our standard input block again
// while we read from it. That must not stop the garbage collector, and with it everything.
func TestTheirPipeMayBlockLater(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		readTheirs(t)
		return
	}
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(ends[0]), "r"), os.NewFile(uintptr(ends[1]), "w")
	defer r.Close()
	defer w.Close()
	if err := syscall.SetNonblock(ends[0], true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTheirPipeMayBlockLater$")
	cmd.Env = append(os.Environ(), childEnv+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stdin = r
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v, %v\n%s", err, ctx.Err(), out)
	}
}

func readTheirs(t *testing.T) {
	in := nonblock.Reader(os.Stdin)
	if err := syscall.SetNonblock(0, false); err != nil { // as any who has the same description may
		t.Fatal(err)
	}
	reads := make(chan struct{})
	go func() {
		close(reads)
		_, _ = in.Read(make([]byte, 1)) // until the process ends
	}()
	<-reads
	for range 1000 { // it reads by the last
		runtime.GC()
	}
}

// What the poller does not take cannot be waited for there.
func TestWhatCannotBePolled(t *testing.T) {
	fd, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), os.DevNull)
	defer f.Close()
	if err := f.SetReadDeadline(time.Time{}); !errors.Is(err, os.ErrNoDeadline) {
		t.Skip("the poller takes it here: ", err)
	}
	if in, out := nonblock.Reader(f), nonblock.Writer(f); in != f || out != f {
		t.Errorf("%T, %T", in, out)
	}
}
