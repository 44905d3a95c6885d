package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"

	"github.com/ostiary/ostiary"
)

// output is a new file that has its name only once it is whole.
type output struct {
	path string
	tmp  *os.File
	sum  hash.Hash
	n    int64
}

func newOutput(path string) (*output, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, misusedFlag("-o %s is there already, and evidence is not written over: name another file", path)
	}
	tmp, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unwritable(path, err)
	}
	return &output{path: path, tmp: tmp, sum: sha256.New()}, nil
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.tmp.Write(b)
	o.n += int64(n)
	o.sum.Write(b[:n])
	if err != nil {
		err = unwritable(o.path, err)
	}
	return n, err
}

func (o *output) digest() string { return hex.EncodeToString(o.sum.Sum(nil)) }

// finish gives the file its name; a link never replaces another.
func (o *output) finish() error {
	err := errors.Join(o.tmp.Sync(), o.tmp.Close())
	if err == nil {
		err = os.Link(o.tmp.Name(), o.path)
	}
	if err = errors.Join(err, os.Remove(o.tmp.Name())); err != nil {
		return unwritable(o.path, err)
	}
	return nil
}

func (o *output) abandon() error { return errors.Join(o.tmp.Close(), os.Remove(o.tmp.Name())) }

func unwritable(path string, err error) error {
	var bare *os.PathError
	if errors.As(err, &bare) {
		err = bare.Err
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf("%s cannot be written: %s; name another file with -o", visible(path), visible(err.Error()))}
}
