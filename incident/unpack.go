package incident

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// unpack hands over one file after the other, valid until the next, and checks
// that the archive has no byte that the packer would not have written. All errors
// but those of the context and of the reader are incident_broken.
func unpack(ctx context.Context, archive io.Reader, progress func(int64), file func(name string, data []byte) error) error {
	packed := &counted{r: archive, ctx: ctx, progress: progress}
	in := bufio.NewReaderSize(packed, 64<<10)
	failed := func(err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case packed.err != nil:
			return packed.err
		}
		return notArchive(err.Error())
	}
	gz, err := gzip.NewReader(in)
	if err != nil {
		return failed(errors.New("it is no gzip file, or it is damaged"))
	}
	gz.Multistream(false)
	if h := gz.Header; h.Name != "" || h.Comment != "" || len(h.Extra) > 0 || !h.ModTime.IsZero() {
		return failed(errors.New("its head says more than an export writes"))
	}
	raw := &bounded{r: gz, packed: packed, sum: sha256.New()}
	same := sha256.New() // of the same files, packed again
	again := tar.NewWriter(same)
	reader := tar.NewReader(raw)
	var buf bytes.Buffer
	last := "its beginning"
	for {
		h, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return failed(damaged(err, last))
		}
		if h.Typeflag != tar.TypeReg || h.Size > maxFile {
			return failed(errors.New("an entry is no file, or larger than any that an export writes"))
		}
		buf.Reset()
		if _, err := buf.ReadFrom(reader); err != nil {
			return failed(damaged(err, h.Name))
		}
		if err := errors.Join(again.WriteHeader(header(h.Name, h.Size)), writeAll(again, buf.Bytes())); err != nil {
			return failed(errors.New("an entry has a name that no export writes"))
		}
		if err := file(h.Name, buf.Bytes()); err != nil {
			return failed(err)
		}
		last = h.Name
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return failed(damaged(err, last))
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return failed(errors.New("something follows behind its end"))
	}
	if err := again.Close(); err != nil || !bytes.Equal(same.Sum(nil), raw.sum.Sum(nil)) {
		return failed(errors.New("between its files stands something that no export writes"))
	}
	return nil
}

func writeAll(to io.Writer, data []byte) error {
	_, err := to.Write(data)
	return err
}

func damaged(err error, last string) error {
	var b boundError
	if errors.As(err, &b) {
		return err
	}
	return errors.New("it is damaged or cut off at or behind " + quoted(last))
}

// quoted makes a name from outside fit for a message.
func quoted(name string) string {
	if layout.MatchString(name) {
		return name
	}
	return "an entry with a strange name"
}

// counted counts what is read of the packed archive.
type counted struct {
	r        io.Reader
	ctx      context.Context
	progress func(int64)
	n        int64
	err      error // of the reader
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	c.n += int64(n)
	if c.progress != nil {
		c.progress(c.n)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// bounded sums what was unpacked, and ends an archive that grows too much.
type bounded struct {
	r      io.Reader
	packed *counted
	sum    hash.Hash
	n      int64
}

type boundError string

// Error implements error.
func (b boundError) Error() string { return string(b) }

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	b.sum.Write(p[:n])
	switch {
	case b.n > maxTotal:
		return n, boundError("it unpacks to more than an export writes")
	case b.n > allowance+growth*b.packed.n:
		return n, boundError("it unpacks to far more than its size, as a bomb does")
	}
	return n, err
}
