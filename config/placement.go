package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
// path validators of rules that have an effect, at the working directories and
// at the directories among the commands of the upstreams, and at roots, which
// the caller adds (what the command line gives). Run it when the directories
// exist.
func Placement(f *File, roots []string) error {
	files := []string{f.Path}
	if real, err := filepath.EvalSymlinks(f.Path); err == nil && real != f.Path {
		files = append(files, real)
	}
	var errs []error
	check := func(at Pos, root, what string) {
		for _, file := range files {
			if !inside(file, root) {
				continue
			}
			errs = append(errs, &ostiary.Error{
				Code: ostiary.CodeConfigInvalid,
				Message: fmt.Sprintf("%s:%d:%d: this file lies inside %s, %s, so the agent could change its own policy: move the file out of it",
					f.Path, at.Line, at.Col, root, what),
			})
			return
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
		if u.Remote {
			continue
		}
		if u.Cwd != "" {
			check(u.Pos, u.Cwd, "the working directory of the upstream "+u.Name)
		}
		for _, dir := range directories(u.Command, u.Cwd, f.Dir) {
			check(u.Pos, dir, "a directory that the upstream "+u.Name+" is started with")
		}
	}
	for _, root := range roots {
		check(Pos{1, 1}, root, "where an upstream can write")
	}
	return errors.Join(errs...)
}

// directories are the existing directories among the arguments of a command,
// "--root=DIR" included.
func directories(command []string, cwd, dir string) []string {
	if cwd == "" {
		cwd = dir
	}
	var found []string
	for i, arg := range command {
		if i == 0 {
			continue
		}
		if strings.HasPrefix(arg, "-") {
			_, arg, _ = strings.Cut(arg, "=")
		}
		if arg == "" {
			continue
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(cwd, arg)
		}
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			found = append(found, filepath.Clean(arg))
		}
	}
	return found
}

// inside compares directories by identity, so that neither symbolic links nor
// another spelling of a name hide one.
func inside(file, root string) bool {
	if root == "" {
		return false
	}
	want, err := os.Stat(root)
	file, abs := filepath.Abs(file)
	if abs != nil {
		return true
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if dir == filepath.Clean(root) {
			return true
		}
		if have, e := os.Stat(dir); err == nil && e == nil && os.SameFile(have, want) {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
