package gateway

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// A body is read whole, and one that says more than it has costs at most four times
// what it has.
func TestWhole(t *testing.T) {
	const most = 4 << 20
	text := bytes.Repeat([]byte("0123456789abcdef"), most/16)
	for _, size := range []int64{0, 1, trusted - 1, trusted, trusted + 1, 4*trusted + 7, most} {
		raw, err := whole(iotest.HalfReader(bytes.NewReader(text[:size])), size, most)
		if err != nil || !bytes.Equal(raw, text[:size]) || int64(cap(raw)) > size {
			t.Errorf("%d bytes: %d of %d, %v", size, len(raw), cap(raw), err)
		}
	}
	for _, has := range []int{0, 1, trusted, trusted + 1} {
		raw, err := whole(bytes.NewReader(text[:has]), most, most)
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(raw) != has || cap(raw) > 4*max(has, trusted) {
			t.Errorf("%d bytes that say they are more: %d of %d, %v", has, len(raw), cap(raw), err)
		}
	}
	for _, size := range []int64{-1, most + 1} {
		if raw, err := whole(bytes.NewReader(append(text, 'x', 'y')), size, most); err != nil || len(raw) != most+1 {
			t.Errorf("too much, said as %d: %d, %v", size, len(raw), err)
		}
	}
}
