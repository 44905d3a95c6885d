package incident

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Names of files. layout.go has the whole list.
const (
	readmeName   = "README.txt"
	keyName      = "key.pub"
	manifestName = "manifest.json"
	noteName     = "manifest.note"
)

// packer writes files one behind the other and remembers what it wrote. The same
// files give the same bytes.
type packer struct {
	gz    *gzip.Writer
	tar   *tar.Writer
	files []File
}

func newPacker(to io.Writer) *packer {
	gz := gzip.NewWriter(to)
	return &packer{gz: gz, tar: tar.NewWriter(gz)}
}

// header is the only one that a file of this name and size has.
func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
}

func (p *packer) add(name string, data []byte) error {
	if len(data) > maxFile || len(p.files) >= maxFiles {
		return fmt.Errorf("%s does not fit into an archive: narrow the selection", name)
	}
	if err := p.tar.WriteHeader(header(name, int64(len(data)))); err != nil {
		return err
	}
	if _, err := p.tar.Write(data); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	p.files = append(p.files, File{Name: name, Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
	return nil
}

func (p *packer) close() error { return errors.Join(p.tar.Close(), p.gz.Close()) }

// chunkBytes is when a file of lines is full and the next begins, so that neither
// side holds more of them.
const chunkBytes = 4 << 20

// lines collects lines for files NAME-000000.jsonl, NAME-000001.jsonl, …
type lines struct {
	p      *packer
	name   string
	number int
	buf    []byte
}

// add keeps these lines in one file.
func (l *lines) add(these ...[]byte) error {
	for _, line := range these {
		if line != nil {
			l.buf = append(append(l.buf, line...), '\n')
		}
	}
	if len(l.buf) < chunkBytes {
		return nil
	}
	return l.flush()
}

func (l *lines) flush() error {
	if len(l.buf) == 0 {
		return nil
	}
	err := l.p.add(fmt.Sprintf("%s-%06d.jsonl", l.name, l.number), l.buf)
	l.number++
	l.buf = l.buf[:0]
	return err
}
