package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"github.com/ostiary/ostiary"
)

// VerifyOptions adapt [Verify]. The zero value is fine.
type VerifyOptions struct {
	// Checkpoint is the content of a file that Options.CheckpointTo wrote, or one
	// signed note. Only with it are truncation and rollback by somebody with the
	// key found.
	Checkpoint []byte
	// Key is the public key in the form of the file key.pub, kept elsewhere. By
	// default the state directory's own is used.
	Key string
	// Progress hears how many of all bytes were read; it may be nil.
	Progress func(done, total int64)
}

// Report is what [Verify] found.
type Report struct {
	Logs        int
	Records     int64
	Checkpoints int64
	Bytes       int64
	// Bodies were there and fit; Dropped are bodies that were removed.
	Bodies, Dropped int64
	// Live are the logs whose process lives; they were read up to their last
	// checkpoint.
	Live []string
	// Torn are logs that end within a group, as after a crash; the next start
	// repairs them.
	Torn []string
	// Broken is the first broken place of each broken log, oldest log first.
	Broken []Broken
}

// Broken is a place where the evidence was changed.
type Broken struct {
	Log     string
	Segment string // file name; empty if the log as a whole is meant
	Line    int    // in the segment, from 1
	N       int64  // number of the record, or of the last one before a checkpoint; -1 if no record is meant
	What    string
}

// String says it in one line.
func (b Broken) String() string {
	s := "log " + b.Log
	if b.Segment != "" {
		s += fmt.Sprintf(", %s:%d", b.Segment, b.Line)
	}
	if b.N >= 0 {
		s += fmt.Sprintf(", record %d", b.N)
	}
	return s + ": " + b.What
}

// Err is nil if nothing is broken, else an error with [ostiary.CodeAuditBroken]
// that names the first broken place.
func (r *Report) Err() error {
	if len(r.Broken) == 0 {
		return nil
	}
	return &ostiary.Error{
		Code:    ostiary.CodeAuditBroken,
		Message: "the evidence was changed: " + r.Broken[0].String() + "; keep a copy of the state directory and compare it with a backup",
		Reason:  fmt.Sprintf("audit: %d of %d logs are broken", len(r.Broken), r.Logs),
	}
}

// Verify reads all logs of a state directory: every record against the hash tree,
// every checkpoint against its signature, bodies against the records that commit
// to them, and logs against the heads that other logs and outside checkpoints
// commit to. It may run beside processes that write. An error means that reading
// failed; what is broken stands in the report.
func Verify(ctx context.Context, dir string, o VerifyOptions) (*Report, error) {
	return verifyEach(ctx, dir, o, nil)
}

// verifyEach is Verify that also tells a walk, which may be nil, about each log.
func verifyEach(ctx context.Context, dir string, o VerifyOptions, w *walk) (*Report, error) {
	v, err := verifierFor(dir, o.Key)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(dir, "audit")
	all, err := takeInventory(root, v)
	if err != nil {
		return nil, unreadable(err)
	}
	rep := &Report{Logs: len(all.ids)}
	outside, err := outsideClaims(o.Checkpoint, v)
	if err != nil {
		return nil, err
	}
	claims := all.claims(outside)
	check := &logCheck{ctx: ctx, verifier: v, report: rep, progress: func(n int64) {
		rep.Bytes += n
		if o.Progress != nil {
			o.Progress(min(rep.Bytes, all.bytes), all.bytes)
		}
	}}
	seen := make(map[string]bool, len(all.ids))
	for _, id := range all.ids {
		seen[id] = true
	}
	gone := missing(claims, seen)
	rep.Broken = append(rep.Broken, gone...)
	for _, id := range all.ids {
		before, torn := rep.Records, len(rep.Torn)
		if w != nil {
			if check.leaf, err = w.begin(); err != nil {
				return nil, unreadable(err)
			}
		}
		b, err := check.log(filepath.Join(root, id), id, all.alive[id], claims[id])
		if err != nil {
			return nil, unreadable(err)
		}
		if b == nil && !all.committed[id] && all.successor(id) && (len(gone) == 0 || gone[len(gone)-1].Log < id) {
			b = &Broken{Log: id, N: -1, What: "no later log commits to it, so it was hidden while others were opened"}
		}
		// What was damaged and ends where it ended then was tidied up, not restored.
		if was, ok := all.damaged[id]; b == nil && ok && rep.Records-before <= was.Size {
			b = &Broken{Log: id, N: was.Size, What: was.by + " found it damaged behind this place, and what lay there is gone"}
		}
		if b == nil {
			b = all.changed(root, id, v)
		}
		if b != nil {
			rep.Broken = append(rep.Broken, *b)
		}
		if w != nil {
			if err := w.end(ctx, filepath.Join(root, id), id, &check.good, all.alive[id], len(rep.Torn) > torn, b, claims[id]); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(rep.Broken, func(a, b Broken) int { return strings.Compare(a.Log, b.Log) })
	return rep, nil
}

func unreadable(err error) error {
	if e := (*ostiary.Error)(nil); errors.As(err, &e) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if DiskFull(err) {
		return &ostiary.Error{
			Code: ostiary.CodeAuditUnavailable, Err: err,
			Message: "the audit log cannot be searched, because a disk is full: make space on the disk of the state directory, where the index of the search is written; " +
				"`ostiary audit verify` and `ostiary audit tail` write nothing",
		}
	}
	return &ostiary.Error{
		Code: ostiary.CodeAuditUnavailable, Err: err,
		Message: "the audit log cannot be read; check that the state directory is the right one and that you may read it",
	}
}

// verifierFor takes the given key, else that of the state directory. The public
// half alone is enough, so that a copy can be verified elsewhere.
func verifierFor(dir, given string) (note.Verifier, error) {
	if given != "" {
		v, err := note.NewVerifier(strings.TrimSpace(given))
		if err != nil {
			return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err, Message: "the public key is not one; give the content of a key.pub file"}
		}
		return v, nil
	}
	path := filepath.Join(dir, "key")
	k, err := readKey(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, unreadable(err)
	}
	text, puberr := os.ReadFile(path + ".pub")
	public := strings.TrimSpace(string(text))
	switch {
	case err == nil && puberr == nil && public != k.public:
		return nil, unsafeState(path+".pub", "is not the public half of the signing key", "one of them was replaced; verify with a key.pub that was kept elsewhere")
	case err == nil:
		return k.verifier, nil
	case puberr != nil:
		return nil, unreadable(puberr)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, unsafeState(path+".pub", "is not a public key", "restore it from a backup")
	}
	return v, nil
}

// lockShared waits until no log is being opened. A copy of a state directory may
// have no lock file; then there is nobody to wait for.
func lockShared(root string) (*os.File, error) {
	f, err := os.Open(filepath.Join(root, ".lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_SH)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
}

// isAlive reports whether a process holds the log.
func isAlive(dir string) (bool, error) {
	d, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer d.Close()
	err = unix.Flock(int(d.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
