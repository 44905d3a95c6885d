package gateway

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A pipe is read by a description of the door's own, to its end.
func TestPolled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("pipes are opened once more under Linux only")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	again := polled(r)
	if again == nil {
		t.Fatal("a pipe was not opened once more")
	}
	defer again.Close()
	go func() {
		_, _ = io.WriteString(w, "one\ntwo\n")
		_ = w.Close()
	}()
	if got, err := io.ReadAll(again); err != nil || string(got) != "one\ntwo\n" {
		t.Errorf("read %q, %v", got, err)
	}

	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, in := range []io.Reader{file, io.MultiReader()} {
		if again := polled(in); again != nil {
			t.Errorf("%T, which is no pipe, was opened once more", in)
		}
	}
}
