package preview

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// place is where names lead: below root, relative ones from base.
type place struct{ root, base string }

func newPlace(root, base string) (place, error) {
	if root == "" {
		root = base
	}
	if base == "" {
		base = root
	}
	if !filepath.IsAbs(root) || !filepath.IsAbs(base) {
		return place{}, invalid("the directory below which files are shown must be absolute, and so must the server's working directory")
	}
	if real, err := filepath.EvalSymlinks(base); err == nil {
		base = real // as the server itself sees where it is
	}
	return place{root: filepath.Clean(root), base: filepath.Clean(base)}, nil
}

// open opens the root and finds the name in it. Names that programs read in
// different ways are refused. The caller closes the root.
func (p place) open(name string) (root *os.Root, rel string, err error) {
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return nil, "", failed(nil, "the path is empty or holds a NUL: send the path of a file")
	case len(name) > 4096:
		return nil, "", failed(nil, "the path has %d bytes: send a shorter one", len(name))
	case name[0] == '~' || strings.HasPrefix(strings.ToLower(name), "file:"):
		return nil, "", failed(nil, "where a path with ~ or file: leads depends on the tool: send the plain path")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return nil, "", failed(nil, "where a path with .. leads depends on the tool: send the path without it")
		}
	}
	full := path.Clean(name)
	if !path.IsAbs(name) {
		full = path.Join(p.base, name)
	}
	rel, ok := below(p.root, full)
	if !ok { // a tool that looks up where the root is names it like that
		if real, err := filepath.EvalSymlinks(p.root); err == nil {
			rel, ok = below(real, full)
		}
	}
	if !ok {
		return nil, "", failed(nil, "the path lies outside of the directory that the door may show: send a path inside it, or ask the operator to widen the rule's path")
	}
	if root, err = os.OpenRoot(p.root); err != nil {
		return nil, "", failed(err, "the directory that the rule names cannot be opened: tell the operator")
	}
	return root, rel, nil
}

func below(root, full string) (rel string, ok bool) {
	rel, err := filepath.Rel(root, full)
	return rel, err == nil && filepath.IsLocal(rel)
}

// look says what is at a name: the link itself, where it leads, and the file. A
// missing file is no error; info is nil then.
func look(root *os.Root, rel string) (link string, info fs.FileInfo, err error) {
	info, err = root.Lstat(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, unreadable(err)
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return "", info, nil
	}
	if link, err = root.Readlink(rel); err != nil {
		return "", nil, unreadable(err)
	}
	if info, err = root.Stat(rel); err != nil {
		return "", nil, unreadable(err)
	}
	return link, info, nil
}

func unreadable(err error) error {
	return failed(err, "the path cannot be followed, or a link on it leads out of the allowed directory or to nothing: send the path of a real file inside it")
}

// read reads a regular file up to max bytes. It does not block on anything else,
// even if the file was replaced since it was looked at.
func read(root *os.Root, rel string, max int64) (data []byte, info fs.FileInfo, err error) {
	f, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, unreadable(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, failed(nil, "it is no regular file: send the path of one")
	}
	if data, err = io.ReadAll(io.LimitReader(f, max)); err != nil {
		return nil, nil, unreadable(err)
	}
	return data, info, nil
}
