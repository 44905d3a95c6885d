package preview

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"io/fs"

	"github.com/ostiary/ostiary"
)

// sum is a digest of a list of texts and numbers, each told from the next.
type sum struct{ h hash.Hash }

func newSum(kind string) sum {
	s := sum{sha256.New()}
	s.text(kind)
	return s
}

func (s sum) text(t string) {
	s.number(int64(len(t)))
	_, _ = io.WriteString(s.h, t) // a hash never fails
}

func (s sum) number(n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	s.h.Write(b[:])
}

// file adds what tells whether a file is still the same without reading it.
func (s sum) file(name string, info fs.FileInfo) {
	s.text(name)
	s.number(int64(info.Mode()))
	s.number(info.Size())
	s.number(info.ModTime().UnixNano())
}

func (s sum) digest() (d ostiary.Digest) {
	s.h.Sum(d[:0])
	return d
}
