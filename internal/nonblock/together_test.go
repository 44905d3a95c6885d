package nonblock_test

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/nonblock"
)

// What one writes in one call is not torn apart by what others write at the same time,
// as with package net and package os, though it is more than there is room for.
func TestWritesStayWhole(t *testing.T) {
	const each, size = 4, 4 << 20
	check := func(t *testing.T, w io.Writer, r io.Reader) {
		t.Helper()
		var all sync.WaitGroup
		for i := range each {
			all.Go(func() {
				if n, err := w.Write(bytes.Repeat([]byte{byte(i)}, size)); n != size || err != nil {
					t.Errorf("written %d, %v", n, err)
				}
			})
		}
		got := make([]byte, size)
		for range each {
			if _, err := io.ReadFull(r, got); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(got, got[:1]); n != size {
				t.Errorf("of %d bytes that one wrote %d came together", size, n)
			}
		}
		all.Wait()
	}
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			ours, theirs := ends(t, network)
			check(t, ours, theirs)
		})
	}
	t.Run("pipe", func(t *testing.T) {
		r, w := pipe(t)
		check(t, nonblock.Writer(w), r)
	})
}
