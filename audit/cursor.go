package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Found is a record with its body, as it stands in the log. It was not verified.
type Found struct {
	Record Record
	// Line is the record's line, Body its body's line; nil if there is none.
	Line, Body json.RawMessage
}

// cursor is a place in a log, behind a checkpoint.
type cursor struct {
	segment int
	offset  int64
	closed  bool // the log has ended
}

var errRewound = errors.New("the segment is shorter than it was")

// read hands over what was added since, up to the last checkpoint, and advances.
func (c *cursor) read(dir string, emit func(Found) error) error {
	for !c.closed {
		end, err := c.readSegment(filepath.Join(dir, segmentName(c.segment)), emit)
		if err != nil || !end {
			return err
		}
		next, err := os.Open(filepath.Join(dir, segmentName(c.segment+1)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		size, err := dataEnd(next)
		if err := errors.Join(err, next.Close()); err != nil || size == 0 {
			return err
		}
		// The next one has begun, so this one is complete; it may have grown since.
		if end, err := c.readSegment(filepath.Join(dir, segmentName(c.segment)), emit); err != nil || !end {
			return err
		}
		c.segment, c.offset = c.segment+1, 0
	}
	return nil
}

// readSegment reports whether it read all data of the segment.
func (c *cursor) readSegment(path string, emit func(Found) error) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	size, err := dataEnd(f)
	if err != nil {
		return false, err
	}
	if size < c.offset {
		return false, errRewound
	}
	lines := newLineReader(f, c.offset, size, make([]byte, 64<<10))
	var group []Found
	for {
		line, err := lines.line()
		if errors.Is(err, io.EOF) {
			return len(line) == 0 && len(group) == 0, nil
		}
		if err != nil {
			return false, err
		}
		switch {
		case bytes.HasPrefix(line, []byte(recordPrefix)):
			found := Found{Line: bytes.Clone(line)}
			if json.Unmarshal(line, &found.Record) != nil {
				continue // Verify tells what is wrong with it
			}
			group = append(group, found)
		case bytes.HasPrefix(line, []byte(bodyPrefix)):
			if len(group) > 0 && json.Valid(line) {
				group[len(group)-1].Body = bytes.Clone(line)
			}
		case bytes.HasPrefix(line, []byte(checkpointPrefix)):
			for _, found := range group {
				if err := emit(found); err != nil {
					return false, err
				}
				c.closed = c.closed || found.Record.Kind == KindClose
			}
			group = group[:0]
			c.offset = lines.pos
		}
	}
}
