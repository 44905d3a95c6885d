package preview

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/ostiary/ostiary"
)

// DeleteOptions of Delete.
type DeleteOptions struct {
	// Path is the name of the top-level argument that holds the path.
	Path string
	// Root and WorkingDir are as in WriteOptions.
	Root, WorkingDir string
	// Redact takes secrets out of a name in a call; nil shows them.
	Redact func(c *ostiary.Call, text string) string
	// MaxEntries is how many files and directories are counted; 10,000 by default.
	MaxEntries int
	// Timeout bounds the counting; 2 s by default.
	Timeout time.Duration
}

// maxDepth is how deep directories are looked into; each level is an open file.
const maxDepth = 64

// Delete shows what goes with a file or directory: totals, then the entries as
// far as there is room. The Target is the name, kind, mode, size and time of
// each. The function is used by many goroutines at once; its errors have
// CodePreviewFailed.
func Delete(o DeleteOptions) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error) {
	if o.Path == "" {
		return nil, invalid("a deletion needs the name of the argument for the path")
	}
	if o.MaxEntries < 0 || o.Timeout < 0 {
		return nil, invalid("bounds must not be negative")
	}
	p, err := newPlace(o.Root, o.WorkingDir)
	if err != nil {
		return nil, err
	}
	entries, timeout := cmp.Or(o.MaxEntries, 10_000), cmp.Or(o.Timeout, 2*time.Second)
	return func(ctx context.Context, c *ostiary.Call) (*ostiary.Preview, error) {
		name, err := argument(c, o.Path)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTime)
		defer cancel()
		return p.delete(ctx, name, entries, hiding(o.Redact, c))
	}, nil
}

var errTime = errors.New("the time for counting is over")

// census counts what goes.
type census struct {
	ctx                        context.Context
	hide                       hide
	left                       int
	files, dirs, others, bytes int64
	unread                     int64  // directories that the door may not read
	bound                      string // which bound was hit
	target                     sum
	page                       page
}

func (p place) delete(ctx context.Context, name string, entries int, h hide) (*ostiary.Preview, error) {
	root, rel, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read from
	info, err := root.Lstat(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed(err, "there is nothing at this path: send the path of what is there")
	}
	if err != nil {
		return nil, unreadable(err)
	}
	n := &census{ctx: ctx, hide: h, left: entries, target: newSum("delete")}
	n.target.text(p.root)
	n.target.text(rel)
	if err := n.entry(root, rel, path.Base(rel), info, 0); err != nil {
		return nil, unreadable(err)
	}
	if err := ctx.Err(); err != nil && !errors.Is(context.Cause(ctx), errTime) {
		return nil, failed(err, "it was withdrawn: call again")
	}
	n.target.text(n.bound)
	head := fmt.Sprintf("%s: a %s; in all ", h.quoted(name), kindOf(info.Mode()))
	if n.bound != "" {
		head += "at least "
	}
	head += fmt.Sprintf("%s and %s with %s", count(n.files, "file", "files"), count(n.dirs, "directory", "directories"), bytesOf(n.bytes))
	if n.others > 0 {
		head += ", " + count(n.others, "link or special file", "links or special files")
	}
	if n.unread > 0 {
		head += "; " + count(n.unread, "directory", "directories") + " cannot be read by the door"
	}
	if n.bound != "" {
		head += "; not everything was counted: " + n.bound
	}
	return &ostiary.Preview{Kind: "delete", Text: head + "\n" + n.page.String(), Target: n.target.digest()}, nil
}

// entry counts one entry and what lies in it. at is its name below dir, shown is
// its name below what is deleted.
func (n *census) entry(dir *os.Root, at, shown string, info fs.FileInfo, depth int) error {
	switch {
	case n.ctx.Err() != nil:
		n.bound = "it took too long"
	case n.left == 0:
		n.bound = "there are too many"
	}
	if n.bound != "" {
		return nil
	}
	n.left--
	n.target.file(shown, info)
	line := fmt.Sprintf("%s  %s", n.hide.quoted(shown), kindOf(info.Mode()))
	switch {
	case info.IsDir():
		n.dirs++
		n.page.line(line)
		return n.directory(dir, at, shown, depth+1)
	case info.Mode().IsRegular():
		n.files++
		n.bytes += info.Size()
		line += ", " + bytesOf(info.Size())
	default:
		n.others++
		if info.Mode()&fs.ModeSymlink != 0 {
			to, err := dir.Readlink(at)
			if err != nil {
				return err
			}
			n.target.text(to)
			line += " to " + n.hide.quoted(to)
		}
	}
	n.page.line(line)
	return nil
}

// directory counts the entries of a directory in the order of their names.
func (n *census) directory(parent *os.Root, at, shown string, depth int) error {
	if depth > maxDepth {
		n.bound = "it is too deep"
		return nil
	}
	dir, err := parent.OpenRoot(at)
	if errors.Is(err, fs.ErrPermission) {
		n.unread++
		n.target.text("unread")
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // only read from
	names, complete, err := namesIn(dir, n.left)
	if err != nil {
		return err
	}
	for _, name := range names {
		info, err := dir.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went meanwhile
		}
		if err != nil {
			return err
		}
		if err := n.entry(dir, name, path.Join(shown, name), info, depth); err != nil || n.bound != "" {
			return err
		}
	}
	if !complete {
		n.bound = "there are too many"
	}
	return nil
}

// namesIn reads at most max names, sorted; complete tells whether those are all.
func namesIn(dir *os.Root, max int) (names []string, complete bool, err error) {
	d, err := dir.Open(".")
	if err != nil {
		return nil, false, err
	}
	defer d.Close()
	names, err = d.Readdirnames(max + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	slices.Sort(names)
	if len(names) > max {
		return names[:max], false, nil
	}
	return names, true, nil
}
