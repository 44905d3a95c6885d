package nonblock_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/nonblock"
)

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// More than a pipe holds comes through whole, and then its end.
func TestPipe(t *testing.T) {
	r, w := pipe(t)
	in, out := nonblock.Reader(r), nonblock.Writer(w)
	if runtime.GOOS == "linux" && (in == io.Reader(r) || out == io.Writer(w)) {
		t.Fatal("a pipe that does not block was left to package os")
	}
	want := noise(1 << 20)
	go func() {
		defer w.Close()
		if n, err := out.Write(want); n != len(want) || err != nil {
			t.Errorf("written %d, %v", n, err)
		}
	}()
	if n, err := in.Read(nil); n != 0 || err != nil {
		t.Errorf("nothing was read as %d, %v", n, err)
	}
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestPipeErrors(t *testing.T) {
	t.Run("nobody reads", func(t *testing.T) {
		r, w := pipe(t)
		_ = r.Close()
		if _, err := nonblock.Writer(w).Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%v", err)
		}
	})
	t.Run("too late", func(t *testing.T) {
		r, w := pipe(t)
		if err := errors.Join(r.SetReadDeadline(time.Unix(1, 0)), w.SetWriteDeadline(time.Unix(1, 0))); err != nil {
			t.Fatal(err)
		}
		in, out := nonblock.Reader(r), nonblock.Writer(w) // a deadline may be set before
		if _, err := in.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if _, err := out.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		r, _ := pipe(t)
		in := nonblock.Reader(r)
		ended := make(chan error)
		go func() {
			_, err := in.Read(make([]byte, 1))
			ended <- err
		}()
		_ = r.Close()
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
		if _, err := in.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("behind it: %v", err)
		}
	})
}

// What may block is left to package os.
func TestWhatBlocks(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, w := pipe(t)
	fd, err := syscall.Dup(int(w.Fd()))
	if err == nil {
		err = syscall.SetNonblock(fd, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	blocks := os.NewFile(uintptr(fd), "pipe")
	defer blocks.Close()
	for _, f := range []*os.File{file, blocks} {
		if got := nonblock.Reader(f); got != io.Reader(f) {
			t.Errorf("reader of %s: %T", f.Name(), got)
		}
		if got := nonblock.Writer(f); got != io.Writer(f) {
			t.Errorf("writer of %s: %T", f.Name(), got)
		}
	}
}

// ends are both ends of a connection, ours first.
func ends(t *testing.T, network string) (ours, theirs net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs, err = net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours = nonblock.Conn(raw)
	if runtime.GOOS == "linux" && ours == raw {
		t.Fatal("it was left to package net")
	}
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// A connection carries in both directions at once more than its buffers hold, and the end
// of one direction leaves the other.
func TestConn(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			ours, theirs := ends(t, network)
			want := noise(8 << 20)
			var all sync.WaitGroup
			for _, c := range []net.Conn{ours, theirs} {
				all.Go(func() {
					if n, err := c.Write(want); n != len(want) || err != nil {
						t.Errorf("written %d, %v", n, err)
					}
					if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
						t.Error(err)
					}
				})
				all.Go(func() {
					if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
						t.Errorf("read %d bytes, %v", len(got), err)
					}
				})
			}
			all.Wait()
		})
	}
}

// Its errors are those of package net, which net/http looks at.
func TestConnErrors(t *testing.T) {
	for name, c := range map[string]struct {
		before func(ours, theirs net.Conn) error
		do     func(net.Conn) error
		op     string
		want   error
	}{
		"read too late":  {func(o, _ net.Conn) error { return o.SetDeadline(time.Unix(1, 0)) }, read, "read", os.ErrDeadlineExceeded},
		"write too late": {func(o, _ net.Conn) error { return o.SetDeadline(time.Unix(1, 0)) }, write, "write", os.ErrDeadlineExceeded},
		"read closed":    {func(o, _ net.Conn) error { return o.Close() }, read, "read", net.ErrClosed},
		"write closed":   {func(o, _ net.Conn) error { return o.Close() }, write, "write", net.ErrClosed},
		"reset": {func(_, th net.Conn) error {
			return errors.Join(th.(*net.TCPConn).SetLinger(0), th.Close())
		}, read, "read", syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := ends(t, "tcp")
			if err := c.before(ours, theirs); err != nil {
				t.Fatal(err)
			}
			err := c.do(ours)
			var told *net.OpError
			if !errors.Is(err, c.want) || !errors.As(err, &told) || told.Op != c.op {
				t.Fatalf("%#v: %v", err, err)
			}
			if told.Timeout() != errors.Is(c.want, os.ErrDeadlineExceeded) {
				t.Errorf("%v is a timeout: %t", err, told.Timeout())
			}
			if again := (*net.OpError)(nil); errors.As(told.Err, &again) {
				t.Errorf("it is told twice: %v", err)
			}
		})
	}
}

func read(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func write(c net.Conn) error {
	_, err := c.Write([]byte("x"))
	return err
}

// Many may read and write one connection; each gets what no other gets.
func TestConnOfMany(t *testing.T) {
	ours, theirs := ends(t, "tcp")
	const n = 200
	var all sync.WaitGroup
	got := make(chan byte, n)
	for range n {
		all.Go(func() {
			var b [1]byte
			if _, err := ours.Read(b[:]); err != nil {
				t.Error(err)
			}
			got <- b[0]
		})
	}
	sent := noise(n)
	want := map[byte]int{}
	for _, b := range sent {
		want[b]++
		if _, err := theirs.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	close(got)
	for b := range got {
		if want[b]--; want[b] < 0 {
			t.Errorf("%d came more often than it was sent", b)
		}
	}
}

// What is no connection of package net's is left as it is.
func TestOtherConns(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if nonblock.Conn(a) != a || nonblock.Conn(nil) != nil {
		t.Error("another connection was changed")
	}
}
