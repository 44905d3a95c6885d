package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	ostiary "github.com/ostiary/ostiary"
)

// checkOwner refuses a file that somebody else can change or replace: the file
// and its directory, and those that a symbolic link leads to, must belong to us
// or to root and be writable by nobody else.
func checkOwner(path string, info os.FileInfo) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return invalid(path, "the file cannot be found: %v", bare(err))
	}
	if err := writableByOthers(path, info, os.Geteuid(), os.Getegid()); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(real)} {
		info, err := os.Stat(dir)
		if err != nil {
			return invalid(path, "its directory cannot be read: %v", bare(err))
		}
		if err := writableByOthers(dir, info, os.Geteuid(), os.Getegid()); err != nil {
			return err
		}
	}
	return nil
}

// writableByOthers reports who but uid and root can write. A group of one's own
// (its number is the user's, as many systems give) is no other; in a directory
// with the sticky bit nobody can replace what is not theirs.
func writableByOthers(path string, info os.FileInfo, uid, gid int) error {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unsafeFile(path, "its owner is not known", "keep it on a file system that has owners")
	}
	mode := info.Mode()
	sticky := mode.IsDir() && mode&os.ModeSticky != 0
	own := int(s.Uid) == uid && int(s.Gid) == gid && gid == uid
	switch {
	case int(s.Uid) != uid && s.Uid != 0:
		return unsafeFile(path, fmt.Sprintf("it belongs to the user with the number %d, who can change it", s.Uid), "give it to yourself or to root with chown")
	case mode.Perm()&0o002 != 0 && !sticky:
		return unsafeFile(path, "everybody can write it", "run chmod o-w "+path)
	case mode.Perm()&0o020 != 0 && !sticky && !own && !(s.Gid == 0):
		return unsafeFile(path, fmt.Sprintf("the group with the number %d can write it", s.Gid), "run chmod g-w "+path)
	}
	return nil
}

func unsafeFile(path, why, next string) error {
	return &ostiary.Error{
		Code:    ostiary.CodeStateUnsafe,
		Message: fmt.Sprintf("%s: %s, and with it what the door allows: %s", path, why, next),
	}
}

// Placement refuses a file that lies where its own rules or servers can write,
// because the agent could then open its own door. It looks at the roots of the
// path validators of rules that have an effect, at the working directories that
// are written for the upstreams, and at the directories among their commands.
// The upstream that is started, with its command and working directory as they
// will be, stands for the row of its name; nil looks at the file alone. What
// cannot be looked at is refused. Run it when the directories exist.
func Placement(f *File, started *Upstream) error {
	files := []string{f.Path}
	switch real, err := filepath.EvalSymlinks(f.Path); {
	case err != nil:
		return unplaced(f, Pos{}, f.Path, err)
	case real != f.Path:
		files = append(files, real)
	}
	var errs []error
	check := func(at Pos, root, what string) {
		for _, file := range files {
			in, err := inside(file, root)
			if err != nil {
				errs = append(errs, unplaced(f, at, root, err))
				return
			}
			if in {
				errs = append(errs, misplaced(f, at, fmt.Sprintf(
					"this file lies inside %s, %s, so the agent could change its own policy: move the file out of it", root, what)))
				return
			}
		}
	}
	for _, r := range f.Rules {
		for _, a := range r.Args {
			if a.Path != nil && r.Effect.IsEffect() && !a.Path.Lexical {
				check(r.Pos, a.Path.Root, "where the rule for "+r.Pattern+" lets a tool write")
			}
		}
	}
	for _, u := range f.Upstreams {
		if u.Cwd != "" && !u.Remote {
			check(u.Pos, u.Cwd, "the working directory of the upstream "+u.Name)
		}
	}
	for _, u := range running(f, started) {
		if u.Remote {
			continue
		}
		dirs, err := u.Directories(f.Dir)
		if err != nil {
			errs = append(errs, unplaced(f, u.Pos, "an argument of the upstream "+u.Name, err))
		}
		for _, dir := range dirs {
			check(u.Pos, dir, "a directory that the upstream "+u.Name+" is started with")
		}
	}
	return errors.Join(errs...)
}

// running are the upstreams of the file with the one that is started in its place.
func running(f *File, started *Upstream) []Upstream {
	if started == nil {
		return f.Upstreams
	}
	all := slices.DeleteFunc(slices.Clone(f.Upstreams), func(u Upstream) bool { return u.Name == started.Name })
	return append(all, *started)
}

func misplaced(f *File, at Pos, text string) error {
	if at.Line == 0 { // only the command line says it
		at = Pos{1, 1}
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf("%s:%d:%d: %s", f.Path, at.Line, at.Col, text)}
}

func unplaced(f *File, at Pos, what string, err error) error {
	return misplaced(f, at, fmt.Sprintf(
		"whether this file lies inside %s cannot be told: %v: make the path readable for the door, or take it out", what, bare(err)))
}

// Directories are the existing directories among the arguments of the command,
// "--root=DIR" and "root=DIR" included, as absolute paths; dir is where the
// upstream starts if no Cwd says so. Arguments that cannot be looked at are
// an error that names none of them, since they may hold secrets.
func (u Upstream) Directories(dir string) ([]string, error) {
	if u.Cwd != "" {
		dir = u.Cwd
	}
	var found []string
	var errs []error
	look := func(arg string) {
		if arg == "" {
			return
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(dir, arg)
		}
		switch info, err := os.Stat(arg); {
		case err == nil && info.IsDir():
			found = append(found, filepath.Clean(arg))
		case err != nil && !absent(err):
			errs = append(errs, bare(err))
		}
	}
	for i, arg := range u.Command {
		if i == 0 {
			continue
		}
		if !strings.HasPrefix(arg, "-") {
			look(arg)
		}
		_, value, _ := strings.Cut(arg, "=")
		look(value)
	}
	return found, errors.Join(errs...)
}

// absent says of an error that nothing stands under the name. A name that is too
// long is no path but another text, such as a script.
func absent(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// inside compares directories by identity, so that neither symbolic links nor
// another spelling of a name hide one.
func inside(file, root string) (bool, error) {
	if root == "" {
		return false, nil
	}
	want, err := os.Stat(root)
	if err != nil && !absent(err) {
		return false, err
	}
	if file, err = filepath.Abs(file); err != nil {
		return false, err
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if dir == filepath.Clean(root) {
			return true, nil
		}
		if want != nil {
			have, err := os.Stat(dir)
			switch {
			case err != nil && !absent(err):
				return false, err
			case err == nil && os.SameFile(have, want):
				return true, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return false, nil
		}
	}
}
