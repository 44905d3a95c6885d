package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// growStep is how much disk space a segment takes at a time. fdatasync then need
// not write the file's size, and no single step keeps anybody waiting.
const growStep = 4 << 20

// segment is the file that is being written, and the one that follows it. Who
// leads a group writes it. Space is reserved by a goroutine of its own; if it is
// late the file grows by being written, which is slower and as safe.
type segment struct {
	log      *Log
	number   int
	file     file
	size     int64 // what is written
	reserved int64 // what is taken or asked for
	aside    *aside

	jobs  chan job // one at a time
	done  chan job
	busy  bool
	ahead file // the next segment, ready
}

// job asks the helper for space in a segment, for a new one, or to finish one.
type job struct {
	file   file
	off, n int64
	number int  // of a new segment
	finish file // to cut to off and close, may be nil
	made   file
	err    error
}

func segmentName(number int) string { return fmt.Sprintf("%08d.jsonl", number) }

func newSegments(l *Log) (*segment, error) {
	s := &segment{log: l, jobs: make(chan job, 1), done: make(chan job, 1)}
	f, err := s.create(0)
	if err != nil {
		return nil, err
	}
	s.file, s.reserved, s.aside = f, s.step(), newAside()
	go s.help()
	return s, nil
}

func (s *segment) step() int64 { return min(growStep, s.log.opts.SegmentBytes) }

// create makes a segment with its first step, durable with its name.
func (s *segment) create(number int) (file, error) {
	f, err := s.log.opts.create(filepath.Join(s.log.dir, segmentName(number)))
	if err != nil {
		return nil, err
	}
	if err = f.Reserve(0, s.step()); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(s.log.dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// help does what a leader must not wait for.
func (s *segment) help() {
	defer close(s.done)
	for j := range s.jobs {
		if j.finish != nil {
			j.err = errors.Join(j.finish.Truncate(j.off), j.finish.Sync())
			j.finish.Forget(0, j.off)
			j.err = errors.Join(j.err, j.finish.Close())
		}
		switch {
		case j.file != nil:
			j.err = j.file.Reserve(j.off, j.n) // no Sync: its error would be the leader's
			// A log that nobody reads would push out of memory what others use. Memory that
			// was used just now takes the next lines at less cost, too.
			if behind := j.off - 2*growStep; behind >= 0 {
				j.file.Forget(behind, growStep)
			}
		case j.number > 0:
			var err error
			j.made, err = s.create(j.number)
			j.err = errors.Join(j.err, err)
		}
		s.done <- j
	}
}

func (s *segment) ask(j job) {
	s.busy = true
	s.jobs <- j
}

// settle takes the helper's answer.
func (s *segment) settle(j job) error {
	s.busy = false
	if j.made != nil {
		s.ahead = j.made
	}
	return j.err
}

// write appends lines durably and sees to it that there is space for the next.
func (s *segment) write(lines []byte) error {
	n, err := s.file.WriteAt(lines, s.size)
	if err != nil {
		return err
	}
	if n != len(lines) {
		return io.ErrShortWrite
	}
	if err := s.sync(); err != nil {
		return err
	}
	s.size += int64(n)
	return s.prepare()
}

func (s *segment) sync() error {
	if f, ok := s.file.(interface{ Fd() uintptr }); ok && s.aside != nil {
		if err := s.aside.sync(f.Fd()); !errors.Is(err, errNotAside) {
			return err
		}
	}
	return s.file.Sync()
}

// prepare asks for space early and changes to the next segment when this is full.
func (s *segment) prepare() error {
	if s.busy {
		select {
		case j := <-s.done:
			if err := s.settle(j); err != nil {
				return err
			}
		default:
		}
	}
	full := s.size >= s.log.opts.SegmentBytes
	if full && s.busy { // the helper is late: nothing may be written to a full segment
		if err := s.settle(<-s.done); err != nil {
			return err
		}
	}
	if s.busy {
		return nil
	}
	near := s.log.opts.SegmentBytes - s.step()
	switch {
	case full && s.ahead == nil:
		s.ask(job{number: s.number + 1})
		if err := s.settle(<-s.done); err != nil {
			return err
		}
		fallthrough
	case full:
		old, end := s.file, s.size
		s.file, s.ahead, s.number = s.ahead, nil, s.number+1
		s.size, s.reserved = 0, s.step()
		s.ask(job{finish: old, off: end})
	case s.reserved < s.log.opts.SegmentBytes && s.size > s.reserved-s.step()/2:
		from := max(s.reserved, s.size)
		s.reserved = from + s.step()
		s.ask(job{file: s.file, off: from, n: s.step()})
	case s.size >= near && s.ahead == nil:
		s.ask(job{number: s.number + 1})
	}
	return nil
}

// close ends the helper, cuts the segment to its size and removes the next one.
// After a failed write the file is left as it is, for whoever looks into it.
func (s *segment) close(why error) error {
	var err error
	if s.busy {
		err = s.settle(<-s.done)
	}
	close(s.jobs)
	<-s.done
	if s.aside != nil {
		err = errors.Join(err, s.aside.close())
	}
	if s.ahead != nil {
		err = errors.Join(err, s.ahead.Close(), os.Remove(filepath.Join(s.log.dir, segmentName(s.number+1))))
	}
	if errors.Is(why, errClosed) {
		err = errors.Join(err, s.file.Truncate(s.size), s.file.Sync())
	}
	return errors.Join(err, s.file.Close(), syncDir(s.log.dir))
}
