package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	ostiary "github.com/ostiary/ostiary"
)

// Path says where a name of a file or directory may lead. It is decided as
// os.Root would resolve the name, not by comparing beginnings. The zero value
// does not compile.
type Path struct {
	// Root is the directory that the name must stay in; absolute. It may be
	// reached through a symbolic link, which is resolved once.
	Root string
	// Under belongs to deny rows alone: the row holds for names below one of
	// these directories. "~" is Options.Home.
	Under []string
	// Lexical decides by the text alone (POSIX), for an upstream that has another
	// file system. It cannot see symbolic links: there only the upstream's own
	// confinement counts.
	Lexical bool
	// Base is the directory that relative names start from, if it is not
	// Options.WorkingDir; absolute.
	Base string
	// AllowProtected lets an argument name protected files such as .git or
	// .bashrc for writing (dangerously_allow_protected). Options.Protect stays
	// protected.
	AllowProtected bool
	// Protected adds to the protected names: "deploy.key", "ci/release.yaml".
	Protected []string
	// MaxBytes bounds the name; 0 means 4096.
	MaxBytes int
}

const (
	maxPathBytes      = 4096
	maxComponentBytes = 255
)

// guard is a compiled Path.
type guard struct {
	maxBytes  int
	lexical   bool
	aliases   [][]string // the root's names, as components
	base      []string   // where relative names start, as components
	protected *protected

	root   string      // resolved; empty if lexical
	info   os.FileInfo // what the root was when the rule was loaded
	opened atomic.Pointer[os.Root]
}

// compile implements validator for a call whose effect is not known, which
// counts as destructive.
func (p *Path) compile(o Options) (judge, error) {
	run, err := p.guard(o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, v any) error { return run(ctx, &ostiary.Call{}, v) }, nil
}

func (p *Path) guard(o Options) (judgeFor, error) {
	g, err := p.newGuard(o)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, c *ostiary.Call, v any) error {
		name, ok := v.(string)
		if !ok {
			return wrongType("a string with a path", v)
		}
		_, err := g.check(name, c.Effect)
		return err
	}, nil
}

func (p *Path) newGuard(o Options) (*guard, error) {
	switch {
	case len(p.Under) > 0:
		return nil, errors.New("under belongs to a deny row; here write the directory that the name must stay in")
	case p.Root == "":
		return nil, errors.New("no root: write the directory that the name must stay in")
	case !path.IsAbs(p.Root):
		return nil, fmt.Errorf("the root %q is not absolute", p.Root)
	case p.Base != "" && !path.IsAbs(p.Base):
		return nil, fmt.Errorf("the base %q is not absolute", p.Base)
	case p.MaxBytes < 0:
		return nil, errors.New("max_bytes is negative")
	}
	root := path.Clean(p.Root)
	g := &guard{maxBytes: p.MaxBytes, lexical: p.Lexical, aliases: [][]string{components(root)}}
	if g.maxBytes == 0 {
		g.maxBytes = maxPathBytes
	}
	if !p.Lexical {
		resolved, info, err := directory(root)
		if err != nil {
			return nil, err
		}
		g.root, g.info = resolved, info
		if resolved != root {
			g.aliases = append(g.aliases, components(resolved))
		}
	}
	base := p.Base
	if base == "" && !p.Lexical {
		base = o.WorkingDir
	}
	if base == "" {
		base = root
	}
	if !path.IsAbs(base) {
		return nil, fmt.Errorf("the working directory %q is not absolute", base)
	}
	base = path.Clean(base)
	if !p.Lexical {
		if resolved, err := filepath.EvalSymlinks(base); err == nil {
			base = resolved // a process sees its working directory resolved
		}
	}
	g.base = components(base)
	var err error
	g.protected, err = newProtected(p, o)
	return g, err
}

// directory resolves a root and looks what it is.
func directory(root string) (string, os.FileInfo, error) {
	resolved, err := filepath.EvalSymlinks(root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("the root %q does not exist: create it, or correct the rule", root)
	}
	if err != nil {
		return "", nil, fmt.Errorf("the root %q cannot be resolved: %w", root, err)
	}
	info, err := os.Lstat(resolved)
	if err != nil {
		return "", nil, fmt.Errorf("the root %q cannot be read: %w", root, err)
	}
	if !info.IsDir() {
		return "", nil, fmt.Errorf("the root %q is not a directory", root)
	}
	return resolved, info, nil
}

// check decides about a name and returns what it leads to, relative to the
// root and with symbolic links resolved as far as it exists.
func (g *guard) check(name string, effect ostiary.Effect) (string, error) {
	if err := checkName(name, g.maxBytes); err != nil {
		return "", err
	}
	rel, up, err := g.locate(name)
	if err != nil {
		return "", err
	}
	if g.lexical {
		return rel, g.protected.check(rel, "", nil, effect)
	}
	// The rule means the directory that was there when it was loaded.
	if now, err := os.Lstat(g.root); err != nil || !os.SameFile(now, g.info) {
		return "", pathError("the root directory of the rule was removed or replaced; the operator must restart the door")
	}
	root, err := g.open()
	if err != nil {
		return "", &ostiary.Error{Code: ostiary.CodeValidatePath, Err: err,
			Message: "the root directory of the rule cannot be opened; the operator finds the reason in the log"}
	}
	for _, parent := range up {
		info, err := root.Lstat(parent)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || !info.IsDir() {
			return "", pathError(`".." follows something that is no plain directory, and programs disagree on where that leads: send the path without ".."`)
		}
	}
	info, err := inside(root, rel)
	if err != nil {
		return "", err
	}
	resolved, err := g.resolve(rel)
	if err != nil {
		return "", err
	}
	return resolved, g.protected.check(resolved, path.Join(g.root, resolved), info, effect)
}

// locate turns a name into a path below the root by its text alone. up lists
// the directories, relative to the root, that a ".." stepped out of.
func (g *guard) locate(name string) (rel string, up []string, err error) {
	at := g.base
	if name[0] == '/' {
		at = nil
	}
	at = slices.Clone(at)
	for c := range strings.SplitSeq(name, "/") {
		switch c {
		case "", ".":
		case "..":
			n := g.depth(at)
			if n < 0 || n == len(at) {
				return "", nil, g.outside(`".." leaves the allowed directory`)
			}
			up = append(up, strings.Join(at[n:], "/"))
			at = at[:len(at)-1]
		default:
			if len(c) > maxComponentBytes {
				return "", nil, pathError("a part of the path is longer than %d bytes: send a shorter name", maxComponentBytes)
			}
			at = append(at, c)
		}
	}
	n := g.depth(at)
	if n < 0 {
		return "", nil, g.outside("the path is outside the allowed directory")
	}
	if n == len(at) {
		return ".", up, nil
	}
	return strings.Join(at[n:], "/"), up, nil
}

// depth is how many components of at are the root itself, -1 if at is not in it.
func (g *guard) depth(at []string) int {
	for _, root := range g.aliases {
		if len(at) >= len(root) && slices.Equal(at[:len(root)], root) {
			return len(root)
		}
	}
	return -1
}

func (g *guard) outside(what string) error {
	return pathError("%s: send a path inside /%s", what, clip(strings.Join(g.aliases[0], "/"), 200))
}

// components splits a clean absolute path.
func components(abs string) []string {
	if abs == "/" {
		return nil
	}
	return strings.Split(abs[1:], "/")
}

func pathError(format string, a ...any) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeValidatePath, Message: fmt.Sprintf(format, a...)}
}
