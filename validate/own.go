package validate

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	ostiary "github.com/ostiary/ostiary"
)

// Own returns the check that no string anywhere in the arguments, keys of
// objects included, names a file of Options.Protect or below it. It needs no
// rule about the argument and holds for reading too; a directory above them
// passes. A string counts in every way in which an upstream may read it:
// relative to Options.WorkingDir, with "~" or $HOME, as a file: URL, trimmed,
// behind a flag's "=", and through symbolic links. It does not look for a path
// inside of other text, nor at hard links.
func Own(o Options) ostiary.Check {
	w := newOwn(o)
	return ostiary.Check{Kind: "path", Run: func(_ context.Context, c *ostiary.Call) error {
		if len(w.files) == 0 {
			return nil
		}
		if at, found := w.inside(c.Args); found {
			return pathError("%s: the path belongs to Ostiary itself (configuration, state or keys), and no tool may name it: use another path",
				place(clip(at, 120)))
		}
		return nil
	}}
}

type own struct {
	home, base string
	prefix     string     // base and a slash
	files      [][]string // the components of each, folded

	longest int      // no name in base has more bytes; 0 if that is not known
	near    bool     // base lies on this machine
	held    bool     // base itself is one of the files or below one
	beside  []string // the folded names of the files that lie in base
}

func newOwn(o Options) *own {
	w := &own{home: o.Home, base: o.WorkingDir, prefix: o.WorkingDir + "/"}
	for _, f := range o.Protect {
		w.files = append(w.files, foldAll(path.Clean(f)))
		if r, err := filepath.EvalSymlinks(f); err == nil && r != f {
			w.files = append(w.files, foldAll(r))
		}
	}
	if w.base != "" {
		w.longest, w.near = longestName(w.base), nearby(w.base)
		w.around(path.Clean(w.base))
		if r, err := filepath.EvalSymlinks(w.base); err == nil {
			w.around(r)
		}
	}
	return w
}

// around learns what a word in base, an absolute path, can name.
func (w *own) around(base string) {
	var parts []string
	if base != "/" {
		parts = foldAll(base)
	}
	for _, f := range w.files {
		if last := len(f) - 1; slices.Equal(f[:last], parts) {
			w.beside = append(w.beside, f[last])
		}
	}
	w.held = w.held || w.below(base)
}

// inside looks for a name in a value and says where it found one.
func (w *own) inside(v any) (at string, found bool) {
	switch v := v.(type) {
	case string:
		return "", w.names(v)
	case map[string]any:
		for k, e := range v {
			if w.names(k) {
				return "", true
			}
			if at, found := w.inside(e); found {
				return "/" + escapeToken(k) + at, true
			}
		}
	case []any:
		for i, e := range v {
			if at, found := w.inside(e); found {
				return "/" + strconv.Itoa(i) + at, true
			}
		}
	}
	return "", false
}

func (w *own) names(s string) bool {
	s = bare(s)
	if s == "" || len(s) > 3*maxPathBytes || strings.ContainsRune(s, '\n') {
		return false // no text that leads to one of our files
	}
	s, _, _ = strings.Cut(s, "\x00")
	if w.leads(s) {
		return true
	}
	_, value, ok := strings.Cut(s, "=")
	return ok && w.leads(bare(value))
}

// leads tries the readings of one text.
func (w *own) leads(s string) bool {
	if w.reads(s) {
		return true
	}
	if strings.ContainsRune(s, '\\') && w.reads(strings.ReplaceAll(s, `\`, "/")) {
		return true
	}
	if len(s) >= 5 && strings.EqualFold(s[:5], "file:") {
		rest := s[5:]
		if after, ok := strings.CutPrefix(rest, "//"); ok {
			_, rest, _ = strings.Cut(after, "/")
			rest = "/" + rest
		}
		rest, _, _ = strings.Cut(rest, "?")
		rest, _, _ = strings.Cut(rest, "#")
		if w.leads(rest) {
			return true
		}
	}
	if strings.ContainsRune(s, '%') {
		if plain, err := url.PathUnescape(s); err == nil && plain != s {
			return w.leads(plain)
		}
	}
	return false
}

func (w *own) reads(s string) bool {
	if s == "" {
		return false
	}
	if w.home != "" {
		for _, h := range [...]string{"~", "$HOME", "${HOME}", "%HOME%"} {
			if rest, ok := strings.CutPrefix(s, h); ok && (rest == "" || rest[0] == '/') && w.at(w.home+rest) {
				return true
			}
		}
	}
	if s[0] == '/' {
		return w.at(s)
	}
	if w.base == "" {
		return false
	}
	if s != "." && s != ".." && strings.IndexByte(s, '/') < 0 {
		return w.word(s)
	}
	return w.at(w.prefix + s)
}

// word is at for a name in base, which is what nearly every text is.
func (w *own) word(s string) bool {
	if w.held || len(w.beside) > 0 && slices.Contains(w.beside, fold(s)) {
		return true
	}
	if w.longest > 0 && len(s) > w.longest {
		return false
	}
	// Only a link can lead elsewhere.
	name := w.prefix + s
	if !isLink(name, w.near) {
		return false
	}
	r, err := physical(name)
	return err == nil && w.below(r)
}

// at asks about an absolute path, as it is written and as the kernel reads it.
func (w *own) at(abs string) bool {
	clean := path.Clean(abs)
	if w.below(clean) {
		return true
	}
	for _, reading := range [...]string{abs, clean} {
		if r, err := physical(reading); err == nil && w.below(r) {
			return true
		}
		if reading == clean {
			break
		}
	}
	return false
}

// below reports whether a path is one of the files or lies below one.
func (w *own) below(abs string) bool {
	abs = strings.Trim(abs, "/")
	for _, f := range w.files {
		if leadsWith(abs, f) {
			return true
		}
	}
	return false
}

// leadsWith reports whether a path without slashes around it begins with these
// components, which are folded.
func leadsWith(name string, parts []string) bool {
	for i, part := range parts {
		c, rest, more := strings.Cut(name, "/")
		if fold(c) != part {
			return false
		}
		if !more {
			return i == len(parts)-1
		}
		name = rest
	}
	return true
}

// bare is a text as an upstream reads it that trims space and quotes.
func bare(s string) string {
	for {
		t := strings.TrimFunc(s, outer)
		if t == s {
			return s
		}
		s = t
	}
}

func outer(r rune) bool {
	return outerSpace(r) || r == '"' || r == '\'' || r == '`'
}

func outerSpace(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' || r == '\u200B' }
