package incident_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/incident"
)

// TestHostileArchives are archives that attack who opens them. The same files
// packed as they should be verify, which is the control.
func TestHostileArchives(t *testing.T) {
	w := filled(t)
	archive := w.export(nil)
	files := unpacked(t, archive)
	if err := verify(t, packed(t, files, nil), incident.VerifyOptions{}).Err(); err != nil {
		t.Fatal(err)
	}
	named := func(name string) []byte {
		return packed(t, slices.Insert(slices.Clone(files), 1, file{name, []byte("x")}), nil)
	}
	first := func(change func(*tar.Header)) []byte {
		done := false
		return packed(t, files, func(h *tar.Header) {
			if !done {
				done = true
				change(h)
			}
		})
	}
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"parent folder":        {named("../../etc/passwd"), "no archive holds such a file"},
		"inside a known one":   {named("logs/../../../x"), "no archive holds such a file"},
		"absolute":             {named("/etc/passwd"), "no archive holds such a file"},
		"with control bytes":   {named("x\x1b[2J"), ""},
		"backslashes":          {named(`..\x`), "no archive holds such a file"},
		"a folder":             {first(func(h *tar.Header) { h.Typeflag, h.Name, h.Size = tar.TypeDir, "logs/", 0 }), "an entry is no file"},
		"twice":                {named("README.txt"), "stands twice"},
		"a link":               {first(func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/etc/passwd", 0 }), "an entry is no file"},
		"a hard link":          {first(func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeLink, "/etc/passwd", 0 }), "an entry is no file"},
		"a device":             {first(func(h *tar.Header) { h.Typeflag, h.Size = tar.TypeChar, 0 }), "an entry is no file"},
		"another mode":         {first(func(h *tar.Header) { h.Mode = 0o4755 }), "between its files stands something"},
		"an owner":             {first(func(h *tar.Header) { h.Uname = "root" }), "between its files stands something"},
		"another format":       {first(func(h *tar.Header) { h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{"A.b": "hidden"} }), "between its files stands something"},
		"something behind":     {append(slices.Clone(archive), 'x'), "something follows behind its end"},
		"two streams":          {append(slices.Clone(archive), archive...), "something follows behind its end"},
		"a name in gzip":       {zipped(t, archive, func(h *gzip.Header) { h.Name = "x" }), "its head says more"},
		"no gzip":              {[]byte("PK\x03\x04"), "it is no gzip file"},
		"nothing":              {nil, "it is no gzip file"},
		"zeros behind the end": {padded(t, archive), "between its files stands something"},
		"records before a key": {packed(t, append(slices.Clone(files[2:]), files[0], files[1]), nil), "comes before the key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := incident.Verify(t.Context(), bytes.NewReader(c.archive), incident.VerifyOptions{})
			if !errors.Is(err, ostiary.CodeIncidentBroken) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b") {
				t.Errorf("the error carries control characters: %q", err.Error())
			}
		})
	}
}

func raw(t *testing.T, archive []byte) []byte {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pack(t *testing.T, data []byte, change func(*gzip.Header)) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	if change != nil {
		change(&gz.Header)
	}
	if _, err := gz.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, archive []byte, change func(*gzip.Header)) []byte {
	return pack(t, raw(t, archive), change)
}

func padded(t *testing.T, archive []byte) []byte {
	return pack(t, append(raw(t, archive), make([]byte, 512)...), nil)
}

// zeros yields n zero bytes.
type zeros struct{ n int64 }

func (z *zeros) Read(b []byte) (int, error) {
	if z.n <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), z.n)
	clear(b[:n])
	z.n -= n
	return int(n), nil
}

// TestBombs are small archives that unpack to very much.
func TestBombs(t *testing.T) {
	bomb := func(entries int, size int64) []byte {
		var b bytes.Buffer
		gz, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		w := tar.NewWriter(gz)
		for i := range entries {
			name := "state/" + strings.Repeat(string(rune('a'+i)), 5) + "-000000.jsonl"
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, Format: tar.FormatUSTAR}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(w, &zeros{size}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Close(), gz.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"one huge file":    {bomb(1, 65<<20), "larger than any"},
		"many large files": {bomb(6, 32<<20), "as a bomb does"},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.archive) > 2<<20 {
				t.Fatalf("the bomb has %d bytes", len(c.archive))
			}
			_, err := incident.Verify(t.Context(), bytes.NewReader(c.archive), incident.VerifyOptions{})
			if !errors.Is(err, ostiary.CodeIncidentBroken) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	archive := filled(t).export(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := incident.Verify(ctx, bytes.NewReader(archive), incident.VerifyOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	failing := io.MultiReader(bytes.NewReader(archive[:len(archive)/2]), iotestErr{})
	if _, err := incident.Verify(t.Context(), failing, incident.VerifyOptions{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a disk that fails is no broken archive: %v", err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// FuzzVerify looks for archives that make the check panic, or that it takes
// although they are none of the seeds.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	l := w.open()
	w.call(l, "alice", "write_file")
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	files := unpacked(f, w.export(nil))
	for i, file := range files {
		f.Add(i, file.data)
	}
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		if i < 0 || i >= len(files) {
			return
		}
		changed := slices.Clone(files)
		changed[i].data = data
		rep, err := incident.Verify(t.Context(), bytes.NewReader(packed(t, changed, nil)), incident.VerifyOptions{})
		if err == nil && rep.Err() == nil && !bytes.Equal(data, files[i].data) {
			t.Errorf("%s can be changed to %q", files[i].name, data)
		}
	})
}
