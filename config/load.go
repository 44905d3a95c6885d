// Package config reads the one configuration file of the door and turns it into
// a checked, typed File.
//
// Threat: a file that says something else than the person who wrote it thinks:
// a misspelt key that is ignored, a value that two readers of YAML understand in
// two ways, a rule that lost its condition, a file that somebody else, or the
// agent itself, can write.
//
// Promise: nothing that is written is ignored. Unknown keys, keys that stand
// twice, values of another kind, anchors, aliases, merge keys, tags and second
// documents are errors; everything that is wrong is said at once, each with the
// place and what was probably meant; a key of a layer that is not built yet is
// an error that names the layer. What is left out is the careful default, so an
// empty file is a valid policy. Values of environment variables and whatever
// was interpolated never appear in an error, and are listed in File.Secrets.
//
// What it does not stop: somebody who may write the file by right, and who can
// open the door with keys that begin with dangerously_; what a rule means for
// the tools of a server is judged later, by packages policy and validate.
package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	ostiary "github.com/ostiary/ostiary"
)

// Options are what a file needs of its surroundings.
type Options struct {
	// Dir is the directory that relative paths are relative to; empty means the
	// directory of the file.
	Dir string
	// Home is what "~/" stands for; empty means the home directory that the
	// system's user database has for us, whatever $HOME says.
	Home string
	// LookupEnv gives the values of ${env:NAME}; nil means the process's environment.
	LookupEnv func(name string) (string, bool)
	// SkipSecrets leaves ${env:…} and ${file:…} empty, to check a file where its
	// secrets are not. A door is never started from such a File.
	SkipSecrets bool
}

func (o Options) lookupEnv(name string) (string, bool) {
	if o.LookupEnv == nil {
		return os.LookupEnv(name)
	}
	return o.LookupEnv(name)
}

func (o Options) home() (string, error) {
	if o.Home != "" {
		return o.Home, nil
	}
	u, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(u.HomeDir) {
		return "", errors.New("the user has no home directory")
	}
	return u.HomeDir, nil
}

// Load reads a file that only its owner can change. The error joins one
// *ostiary.Error for everything that is wrong, with the code config_invalid,
// config_layer (a key whose layer is not built yet) or state_unsafe (somebody
// else can write the file).
func Load(path string, o Options) (*File, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, o)
}

// Parse reads data as the file of that name; see Load.
func Parse(name string, data []byte, o Options) (*File, error) {
	d := &decoder{name: name, dir: o.Dir, o: o}
	if d.dir == "" {
		d.dir = filepath.Dir(name)
	}
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return nil, invalid(name, "its directory is not known: %v", err)
	}
	d.dir = dir

	f := Defaults()
	f.Path, f.Dir, f.Digest, f.raw = name, dir, sha256.Sum256(data), append([]byte{}, data...)
	if root := d.parseSource(data); root != nil {
		d.markLoud(root)
		fileKind().decode(d, root, &f)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	f.secrets(d)
	return &f, nil
}

// noteSecret notes the value of a variable: as a credential if its name says so,
// else as a likely one unless its name says that it is none.
func (d *decoder) noteSecret(name, value string) {
	switch {
	case value == "":
	case secretName.MatchString(name):
		d.secrets, d.returned = append(d.secrets, value), append(d.returned, value)
	default:
		d.likely = append(d.likely, likelySecrets(name, value)...)
	}
}

// noteInterpolated notes what ${…} gave. The value of a variable that usually holds
// none, such as HOME, is kept out of the log; a server may still say it.
func (d *decoder) noteInterpolated(word, value string) {
	if value == "" {
		return
	}
	d.secrets = append(d.secrets, value)
	if name, isVariable := strings.CutPrefix(word, "env:"); !isVariable || !harmlessName.MatchString(name) {
		d.returned = append(d.returned, value)
	}
}

// secrets lists what was interpolated, and what is set or passed on from our own
// environment and is, or may be, a credential.
func (f *File) secrets(d *decoder) {
	if !d.o.SkipSecrets {
		for _, u := range f.Upstreams {
			for _, name := range u.passed() {
				if v, ok := d.o.lookupEnv(name); ok {
					d.noteSecret(name, v)
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, v := range d.secrets {
		if v != "" && !seen[v] {
			seen[v] = true
			f.Secrets = append(f.Secrets, v)
		}
	}
	for _, v := range d.returned {
		if v != "" && !slices.Contains(f.Returned, v) {
			f.Returned = append(f.Returned, v)
		}
	}
	for _, l := range d.likely {
		if !seen[l.value] {
			seen[l.value] = true
			f.likely = append(f.likely, l)
		}
	}
}

// read opens the file once, so that what was checked is what is read.
func read(path string) ([]byte, error) {
	f, info, err := open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, invalid(path, "there is no such file")
	case errors.Is(err, errIrregular):
		return nil, invalid(path, "this is no regular file")
	case err != nil:
		return nil, invalid(path, "the file cannot be read: %v", bare(err))
	}
	defer f.Close()
	if err := checkOwner(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, invalid(path, "the file cannot be read: %v", bare(err))
	}
	return data, nil
}

var errIrregular = errors.New("no regular file")

// open opens a regular file. It is looked at when it is open, so that nothing
// else can be put in its place, and a FIFO does not make it wait.
func open(path string) (*os.File, os.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errIrregular
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// invalid is an error about the file as a whole.
func invalid(name, format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf("%s:1:1: %s", name, fmt.Sprintf(format, args...))}
}
