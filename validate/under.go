package validate

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

const maxLinks = 64

var errUndecided = errors.New("where the path leads cannot be decided")

// under makes the predicate of a deny row: the name lies below one of the
// directories in any way in which an upstream may read it. It reads "~" and
// file: URLs, follows symbolic links as far as they exist, and takes ".."
// behind a link both as the kernel and as a program that cleans the text first.
// Letters that differ by case are equal. What cannot be decided lies below.
func (p *Path) under(o Options) (predicate, error) {
	if len(p.Under) == 0 {
		return nil, errors.New("a deny row names directories: under: [~/.ssh]")
	}
	if p.Root != "" || p.AllowProtected || len(p.Protected) > 0 || p.MaxBytes != 0 {
		return nil, errors.New("a deny row knows only under, base and lexical; write the others in a rule")
	}
	base := p.Base
	if base == "" {
		base = o.WorkingDir
	}
	if base != "" && !path.IsAbs(base) {
		return nil, fmt.Errorf("the directory %q that names start from is not absolute", base)
	}
	u := &under{home: o.Home, base: base, lexical: p.Lexical}
	for _, dir := range p.Under {
		if dir == "~" || strings.HasPrefix(dir, "~/") {
			if o.Home == "" {
				return nil, fmt.Errorf("%q: the home directory is not known; write the directory in full", dir)
			}
			dir = path.Join(o.Home, dir[1:])
		}
		if !path.IsAbs(dir) {
			return nil, fmt.Errorf("%q is not absolute", dir)
		}
		u.dirs = append(u.dirs, path.Clean(dir))
	}
	return func(v any) bool {
		s, ok := v.(string)
		return ok && u.holds(s)
	}, nil
}

type under struct {
	home, base string
	lexical    bool
	dirs       []string
}

func (u *under) holds(name string) bool {
	readings, err := u.readings(name)
	if err != nil {
		return true
	}
	if i := strings.IndexAny(name, "?*[{"); i >= 0 {
		// A program may expand it to anything below the directory in front.
		rest := name[i:]
		if strings.Contains(rest, "..") || strings.ContainsRune(rest, '{') && strings.ContainsRune(rest, '/') {
			return true
		}
		fixed := strings.TrimLeftFunc(name[:i], outer)
		fixed = fixed[:strings.LastIndexByte(fixed, '/')+1]
		if fixed == "" {
			fixed = "."
		}
		above, err := u.readings(fixed)
		if err != nil || u.any(above, true) {
			return true
		}
	}
	return u.any(readings, false)
}

// any reports whether one of the paths lies below one of the directories, or,
// if asked for, above.
func (u *under) any(readings []string, above bool) bool {
	dirs := slices.Clone(u.dirs)
	if !u.lexical {
		// Where the directories themselves lead now.
		for _, d := range u.dirs {
			r, err := physical(d)
			if err != nil {
				return true
			}
			dirs = append(dirs, r)
		}
	}
	for i := range dirs {
		dirs[i] = joinFold(dirs[i])
	}
	for _, r := range readings {
		name := joinFold(r)
		if slices.ContainsFunc(dirs, func(d string) bool { return within(name, d) || above && within(d, name) }) {
			return true
		}
	}
	return false
}

func joinFold(abs string) string { return strings.Join(foldAll(abs), "/") }

// readings are the absolute paths that the text may mean.
func (u *under) readings(name string) ([]string, error) {
	if len(name) > maxPathBytes || !utf8.ValidString(name) ||
		strings.IndexFunc(strings.TrimFunc(name, outer), unicode.IsControl) >= 0 ||
		strings.ContainsRune(name, '\\') || expands(name) {
		return nil, errUndecided
	}
	texts := []string{name}
	if b := bare(name); b != name {
		texts = append(texts, b) // as a program reads it that trims
		name = b
	}
	if len(name) >= 5 && strings.EqualFold(name[:5], "file:") {
		l, err := url.Parse(name)
		if err != nil || l.Path == "" || l.Host != "" && l.Host != "localhost" {
			return nil, errUndecided
		}
		texts = append(texts, l.Path)
	}
	if encoded(name) {
		plain, err := url.PathUnescape(name)
		if err != nil || strings.ContainsRune(plain, 0) || encoded(plain) {
			return nil, errUndecided
		}
		texts = append(texts, plain)
	}
	var full []string
	for _, t := range texts {
		if t != "" && t[0] == '~' {
			if u.home == "" || len(t) > 1 && t[1] != '/' {
				return nil, errUndecided
			}
			full = append(full, u.home+t[1:])
		}
		if t == "" || t[0] != '/' {
			if u.base == "" {
				return nil, errUndecided
			}
			t = u.base + "/" + t
		}
		full = append(full, t)
	}
	var out []string
	for _, f := range full {
		clean := path.Clean(f)
		out = append(out, clean)
		if u.lexical {
			continue
		}
		for _, reading := range []string{f, clean} {
			r, err := physical(reading)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// physical resolves an absolute path as a kernel does: part by part, links
// followed, ".." one up from where it stands. What does not exist is taken as
// it is written.
func physical(abs string) (string, error) {
	todo := strings.Split(abs, "/")
	at, links := "/", 0
	for len(todo) > 0 {
		c := todo[0]
		todo = todo[1:]
		switch c {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, c)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			at = next
			continue
		case err != nil:
			return "", errUndecided
		case info.Mode()&fs.ModeSymlink == 0:
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", errUndecided
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", errUndecided
		}
		if path.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return at, nil
}
