package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ending is the end of a log as found on the disk.
type ending struct {
	head   Head
	dir    string
	number int   // of the segment with the last checkpoint; -1 if there is none
	at     int64 // where that checkpoint's line ends
	size   int64 // of that segment's file
	closed bool
	stray  bool // there is more in the directory than a crash leaves
	// tails are what lies behind the checkpoint, by segment.
	tails []tail
}

type tail struct {
	number int
	data   []byte // without zeros at the end
}

// sector is what a disk writes whole or not at all.
const sector = 512

// findEnd looks for the last checkpoint of a log. What it finds is durable
// when it returns.
func findEnd(dir, id string, v note.Verifier) (*ending, error) {
	count, err := segmentsOf(dir)
	if err != nil {
		return nil, err
	}
	stray, err := strayIn(dir)
	if err != nil {
		return nil, err
	}
	e := &ending{dir: dir, number: -1, stray: stray != "", head: Head{Log: id, Root: (&tree{}).root().String()}}
	for n := count - 1; n >= 0 && e.number < 0; n-- {
		if err := e.search(n, id, v); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// windows are how much of a segment's end is read at first. More is
// read until it holds the last group; none that the log writes is larger than the last size.
var windows = [...]int64{256 << 10, 4 << 20, 64 << 20, 512 << 20}

// search looks for the last checkpoint of one segment, which it makes durable.
func (e *ending) search(n int, id string, v note.Verifier) error {
	f, err := os.OpenFile(filepath.Join(e.dir, segmentName(n)), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := dataSync(f); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end, err := dataEnd(f)
	if err != nil {
		return err
	}
	for _, window := range windows {
		base := max(0, end-window)
		data := make([]byte, end-base)
		got, err := f.ReadAt(data, base)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		rest, found := e.searchIn(data[:got], base, id, v)
		if found {
			e.number, e.size = n, info.Size()
		}
		if found || base == 0 {
			e.tails = append(e.tails, tail{n, rest})
			return nil
		}
	}
	e.tails = append(e.tails, tail{n, []byte("\x00too long\x00")}) // nothing that a crash leaves
	return nil
}

// searchIn looks in the end of a segment, which begins at offset base of it, and
// returns what follows the checkpoint; all of it, if there is none.
func (e *ending) searchIn(data []byte, base int64, id string, v note.Verifier) (rest []byte, found bool) {
	for end := len(data); end > 0; {
		start := checkpointBefore(data[:end])
		if start < 0 || start == 0 && base > 0 {
			return data, false
		}
		end = start
		length := bytes.IndexByte(data[start:], '\n')
		if length < 0 {
			continue // torn within the line
		}
		cp, err := parseCheckpointLine(data[start : start+length])
		if err != nil || cp.log != id || !cp.signedBy(v) {
			continue
		}
		if last, ok := cp.lists(data[:start]); ok {
			after := start + length + 1
			e.head, e.at = cp.head(), base+int64(after)
			e.closed = bytes.Contains(last, []byte(`,"kind":"close"`)) // quotes within texts are escaped
			return data[after:], true
		}
	}
	return data, false
}

// checkpointBefore returns where the last line of data that begins like a
// checkpoint begins, or -1.
func checkpointBefore(data []byte) int {
	for end := len(data); ; {
		i := bytes.LastIndex(data[:end], []byte(checkpointPrefix))
		if i <= 0 || data[i-1] == '\n' {
			return i
		}
		end = i
	}
}

// lists reports whether the records at the end of data are those that the
// checkpoint lists, and returns the last of them.
func (c *signedCheckpoint) lists(data []byte) (last []byte, ok bool) {
	if start := checkpointBefore(data); start >= 0 {
		data = data[start:]
		data = data[bytes.IndexByte(data, '\n')+1:]
	}
	rest := c.prefixes
	for len(data) > 0 {
		line, more, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return nil, false
		}
		data = more
		if !bytes.HasPrefix(line, []byte(recordPrefix)) {
			continue
		}
		leaf := tlog.RecordHash(line)
		if !bytes.HasPrefix(rest, leaf[:leafPrefix]) {
			return nil, false
		}
		rest, last = rest[leafPrefix:], line
	}
	return last, len(rest) == 0
}

// tornAt reports whether data, found at an offset behind the last checkpoint, may
// be what a crash leaves of a group: a part of it, or all of it with holes where
// the disk had not written whole sectors. A complete group that does not fit its
// checkpoint is not.
func tornAt(data []byte, off int64) bool {
	holes := false
	for i := 0; i < len(data); {
		if data[i] != 0 {
			i++
			continue
		}
		start := i
		for i < len(data) && data[i] == 0 {
			i++
		}
		if start > 0 && (off+int64(start))%sector != 0 || i < len(data) && (off+int64(i))%sector != 0 {
			return false
		}
		holes = true
	}
	if holes {
		return true
	}
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return plausible(line)
		}
		if !bytes.HasPrefix(line, []byte(recordPrefix)) && !bytes.HasPrefix(line, []byte(bodyPrefix)) {
			return false
		}
		if !json.Valid(line) {
			return false
		}
		data = rest
	}
	return true
}

// plausible reports whether part may be the beginning of a line.
func plausible(part []byte) bool {
	known := false
	for _, prefix := range []string{recordPrefix, bodyPrefix, checkpointPrefix} {
		n := min(len(part), len(prefix))
		known = known || string(part[:n]) == prefix[:n]
	}
	var value json.RawMessage
	err := json.NewDecoder(bytes.NewReader(part)).Decode(&value)
	return known && (errors.Is(err, io.ErrUnexpectedEOF) || err == nil && len(value) == len(part))
}

// repair cuts a log whose process has died behind its last checkpoint and keeps
// what it cut. It returns nil if there was nothing to do.
func (e *ending) repair() (*Repaired, error) {
	fix := &Repaired{Log: e.head.Log, Size: e.head.Size, Damaged: e.stray}
	used := 0
	for _, t := range e.tails {
		if len(t.data) == 0 {
			continue
		}
		used++
		off := int64(0)
		if t.number == e.number {
			off = e.at
		}
		fix.Cut += int64(len(t.data))
		if !tornAt(t.data, off) {
			fix.Damaged = true
		}
	}
	// A group lies in one segment, so a crash leaves a part of one.
	if fix.Damaged || used > 1 || used > 0 && e.closed {
		return &Repaired{Log: e.head.Log, Size: e.head.Size, Damaged: true}, nil
	}
	for _, t := range e.tails {
		if err := e.cut(t); err != nil {
			return nil, err
		}
	}
	if err := syncDir(e.dir); err != nil || e.closed {
		return nil, err // of a closed log only reserved space was left over
	}
	return fix, nil
}

// cut moves a tail aside and cuts its segment to what a checkpoint covers.
func (e *ending) cut(t tail) error {
	path := filepath.Join(e.dir, segmentName(t.number))
	if len(t.data) > 0 {
		// If it exists, a repair was interrupted here before.
		if err := writeNew(path+".torn", t.data); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if t.number != e.number && t.number > 0 {
		return os.Remove(path)
	}
	keep := int64(0)
	if t.number == e.number {
		keep = e.at
		if e.size == keep {
			return nil
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(keep), f.Sync(), f.Close())
}
