package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// hashFile keeps every hash of a log's tree on the disk, in the order of
// tlog.StoredHashIndex, so that proofs for a log of any size need little memory.
// Hashes tell nothing about the records, so the file may lie anywhere; it has no
// name and is gone with the process. It is used by one goroutine.
type hashFile struct {
	f     *os.File
	w     *bufio.Writer
	size  int64       // leaves
	edges []tlog.Hash // as in tree
	err   error       // of the first write that failed
}

func newHashFile() (*hashFile, error) {
	f, err := os.CreateTemp("", "ostiary-tree-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &hashFile{f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (h *hashFile) close() error { return h.f.Close() }

// put keeps leaf number n. A reader that starts again puts the same numbers again;
// leaves behind n are forgotten then. An error shows when something is read.
func (h *hashFile) put(n int64, leaf tlog.Hash) {
	if h.err == nil && n != h.size {
		h.err = h.goBack(n)
	}
	if h.err != nil {
		return
	}
	h.write(leaf)
	for range bits.TrailingZeros64(^uint64(n)) { // one subtree is completed for each trailing 1
		last := len(h.edges) - 1
		leaf = tlog.NodeHash(h.edges[last], leaf)
		h.edges = h.edges[:last]
		h.write(leaf)
	}
	h.edges = append(h.edges, leaf)
	h.size++
}

func (h *hashFile) write(hash tlog.Hash) {
	if _, err := h.w.Write(hash[:]); err != nil && h.err == nil {
		h.err = err
	}
}

// goBack makes n the next leaf.
func (h *hashFile) goBack(n int64) error {
	if n > h.size {
		return fmt.Errorf("leaf %d cannot follow %d", n, h.size)
	}
	if err := h.w.Flush(); err != nil {
		return err
	}
	var edges []int64
	for level := 62; level >= 0; level-- {
		if k := n >> level; k&1 == 1 {
			edges = append(edges, tlog.StoredHashIndex(level, k-1))
		}
	}
	var err error
	if h.edges, err = h.ReadHashes(edges); err != nil {
		return err
	}
	h.size = n
	_, err = h.f.Seek(tlog.StoredHashCount(n)*tlog.HashSize, io.SeekStart)
	return err
}

// done must be called between the last put and the first read.
func (h *hashFile) done() error {
	if h.err == nil {
		h.err = h.w.Flush()
	}
	return h.err
}

var _ tlog.HashReader = (*hashFile)(nil)

// ReadHashes implements tlog.HashReader.
func (h *hashFile) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if _, err := h.f.ReadAt(hashes[i][:], x*tlog.HashSize); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// leaf returns the hash of record n.
func (h *hashFile) leaf(n int64) (tlog.Hash, error) {
	got, err := h.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
	if err != nil {
		return tlog.Hash{}, err
	}
	return got[0], nil
}
