package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Senders who are alone write by themselves, those who find the pipe full do not, and
// nothing is lost, torn or out of order, whichever kind of pipe it is.
func TestDirectKeepsOrder(t *testing.T) {
	for name, blocks := range map[string]bool{"does not block": false, "blocks": true} {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if blocks {
				fd, err := syscall.Dup(int(w.Fd()))
				if err == nil {
					err = syscall.SetNonblock(fd, false)
				}
				if err != nil {
					t.Fatal(err)
				}
				_ = w.Close()
				w = os.NewFile(uintptr(fd), "pipe")
			}
			o := newSharedOutbox(w, func() bool { return false })
			const n = 400
			long := strings.Repeat("x", 1000)
			for i := range n / 2 { // more than a pipe holds, and nobody reads
				if err := o.send(t.Context(), fmt.Appendf(nil, "%d %s", i, long)); err != nil {
					t.Fatal(err)
				}
			}
			read := make(chan error, 1)
			go func() {
				in := bufio.NewScanner(r)
				for i := 0; in.Scan(); i++ {
					if in.Text() != fmt.Sprintf("%d %s", i, long) {
						read <- fmt.Errorf("line %d is %.40q", i, in.Text())
						return
					}
					if i == n-1 {
						read <- nil
					}
				}
				read <- io.EOF
			}()
			for i := range n / 2 {
				if err := o.send(t.Context(), fmt.Appendf(nil, "%d %s", n/2+i, long)); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-read; err != nil {
				t.Fatal(err)
			}
			o.finish(time.Minute)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-read; !errors.Is(err, io.EOF) { // nobody else holds the pipe open
				t.Error(err)
			}
		})
	}
}

func TestDirectNeedsAPipe(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, w := io.Pipe()
	for _, to := range []io.Writer{f, w} {
		if newDirect(to) != nil {
			t.Errorf("%T is written without its writer", to)
		}
	}
}
