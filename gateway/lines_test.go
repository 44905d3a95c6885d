package gateway

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("a", 5000) + strings.Repeat("b", 5000)
	for _, one := range []bool{false, true} {
		var in io.Reader = strings.NewReader("short\n\r\n0123456789\n0123456789x\n" + long + "\nlast")
		if one {
			in = iotest.OneByteReader(in)
		}
		r := newLineReader(in, 10)
		for _, want := range []line{
			{raw: []byte("short")}, {}, {raw: []byte("0123456789")},
			{raw: []byte("0123456789x"), tail: []byte("0123456789x"), tooLong: true},
			{raw: []byte(long[:keptBytes]), tail: []byte(long[len(long)-keptBytes+1:]), tooLong: true},
			{raw: []byte("last")},
		} {
			got, err := r.next()
			if err != nil {
				t.Fatal(err)
			}
			head := strings.HasPrefix(string(want.raw), string(got.raw)) && (len(got.raw) > 0 || len(want.raw) == 0)
			if !head || !want.tooLong && len(got.raw) != len(want.raw) || string(got.tail) != string(want.tail) || got.tooLong != want.tooLong {
				t.Errorf("got %.20q %.20q %v, want %.20q %.20q %v", got.raw, got.tail, got.tooLong, want.raw, want.tail, want.tooLong)
			}
		}
		if _, err := r.next(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}
