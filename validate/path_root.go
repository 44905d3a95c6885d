package validate

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	ostiary "github.com/ostiary/ostiary"
)

// open opens the root on first use: a descriptor for each rule that is used,
// and none for the others. The garbage collector closes it.
func (g *guard) open() (*os.Root, error) {
	if r := g.opened.Load(); r != nil {
		return r, nil
	}
	r, err := os.OpenRoot(g.root)
	if err != nil {
		return nil, err
	}
	if info, err := r.Stat("."); err != nil || !os.SameFile(info, g.info) {
		_ = r.Close()
		return nil, errors.New("the root was replaced while it was opened")
	}
	if !g.opened.CompareAndSwap(nil, r) {
		_ = r.Close()
	}
	return g.opened.Load(), nil
}

// inside asks the root about a name without opening it, so that a FIFO cannot
// hang. What is missing is decided by its deepest existing parent. info is nil
// if it is missing. Any answer but "it is here" and "it is not" denies.
func inside(root *os.Root, rel string) (os.FileInfo, error) {
	info, err := root.Stat(rel)
	if err == nil {
		if !info.Mode().IsRegular() && !info.IsDir() {
			return nil, pathError("it is neither a file nor a directory: send the path of one")
		}
		return info, nil
	}
	for at := rel; ; {
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, refusedBy(root, at, err)
		}
		// A link whose target is missing is there itself.
		if _, lerr := root.Lstat(at); lerr == nil {
			return nil, pathError("it is a symbolic link that leads to nothing: send the path of a real file")
		} else if !errors.Is(lerr, fs.ErrNotExist) {
			return nil, refusedBy(root, at, lerr)
		}
		if at == "." {
			return nil, pathError("the root directory of the rule was removed; the operator must restart the door")
		}
		at = path.Dir(at)
		info, err = root.Stat(at)
		if err == nil {
			if !info.IsDir() {
				return nil, pathError("a part of the path is a file, not a directory: send a path below a directory")
			}
			return nil, nil
		}
	}
}

// refusedBy says why the root refused. The error of an escape has no name of
// its own, so it is looked at only for the message.
func refusedBy(root *os.Root, at string, err error) error {
	msg := "the path cannot be followed, so where it leads is not known: send the path of a file inside the allowed directory"
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		msg = "a part of the path is a file, not a directory: send a path below a directory"
	case errors.Is(err, fs.ErrPermission):
		msg = "the path leads through a directory that the door may not read, so where it leads is not known"
	case errors.Is(err, syscall.ELOOP):
		msg = "the symbolic links on the path lead round in a circle: send the path of a real file"
	case strings.Contains(err.Error(), "escapes"):
		msg = "a symbolic link on the path leads outside the allowed directory: send the path of a real file inside it"
		if absoluteLink(root, at) {
			msg = "a symbolic link on the path is absolute; only relative ones that stay inside are followed: send the path it stands for"
		}
	}
	return &ostiary.Error{Code: ostiary.CodeValidatePath, Message: msg, Err: err}
}

func absoluteLink(root *os.Root, at string) bool {
	for ; at != "."; at = path.Dir(at) {
		if target, err := root.Readlink(at); err == nil {
			return path.IsAbs(target)
		}
	}
	return false
}

// resolve follows the links below the root as far as the path exists. The root
// has said already that they stay inside; this finds the name behind them.
func (g *guard) resolve(rel string) (string, error) {
	if rel == "." || g.plain(rel) {
		return rel, nil
	}
	missing := ""
	for at := rel; ; at = path.Dir(at) {
		full, err := filepath.EvalSymlinks(path.Join(g.root, at))
		if errors.Is(err, fs.ErrNotExist) && at != "." {
			missing = path.Join(path.Base(at), missing)
			continue
		}
		if err != nil {
			return "", &ostiary.Error{Code: ostiary.CodeValidatePath, Err: err,
				Message: "the path cannot be followed, so where it leads is not known: send the path of a real file"}
		}
		below, ok := strings.CutPrefix(full, strings.TrimSuffix(g.root, "/"))
		if !ok || below != "" && below[0] != '/' {
			return "", pathError("a symbolic link on the path leads outside the allowed directory: send the path of a real file inside it")
		}
		return path.Join(".", strings.TrimPrefix(below, "/"), missing), nil
	}
}

// plain reports whether no part of the path is a symbolic link, the ordinary
// case.
func (g *guard) plain(rel string) bool {
	full := strings.TrimSuffix(g.root, "/") + "/" + rel
	for i := len(full) - len(rel); ; i++ {
		if i < len(full) && full[i] != '/' {
			continue
		}
		info, err := os.Lstat(full[:i])
		if err != nil {
			return errors.Is(err, fs.ErrNotExist) // and nothing below it exists
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return false
		}
		if i == len(full) {
			return true
		}
	}
}
