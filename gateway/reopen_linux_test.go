package gateway

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A pipe that is our standard output is opened anew though it does not block: others may
// let it block later.
func TestStandardOutputIsOpenedAnew(t *testing.T) {
	const env = "OSTIARY_TEST_STDOUT"
	if os.Getenv(env) != "" {
		os.Exit(fillStandardOutput()) // a test that ends says so on the full pipe
	}
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(ends[0]), "r"), os.NewFile(uintptr(ends[1]), "w")
	defer r.Close()
	defer w.Close()
	if err := syscall.SetNonblock(ends[1], true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var told bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStandardOutputIsOpenedAnew$")
	cmd.Env = append(os.Environ(), env+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = w, &told
	if err := cmd.Run(); err != nil {
		t.Errorf("%v, %v\n%s", err, ctx.Err(), told.Bytes())
	}
}

func fillStandardOutput() int {
	d := newDirect(os.Stdout)
	if d == nil {
		return 3
	}
	if syscall.SetNonblock(1, false) != nil { // as who else holds it may
		return 4
	}
	room := bytes.Repeat([]byte("x"), 1<<20)
	if n := d.attempt(room); n == 0 || n == len(room) || d.attempt(room) != 0 {
		return 5
	}
	return 0
}

// What the poller does not take is not opened anew, since nobody could wait for it.
func TestWhatCannotBePolledIsNotOpenedAnew(t *testing.T) {
	f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if again := reopened(f, os.O_RDWR); again != nil {
		t.Error("opened anew")
	}
}
