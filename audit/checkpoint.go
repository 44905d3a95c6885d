package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	origin = "ostiary/"
	// leafPrefix is how much of each leaf's hash a checkpoint's line lists, to
	// find which record of a group was changed. Whether one was is told by the
	// root, which is whole.
	leafPrefix = 4
)

// checkpoint is a signed statement about a log's first size records, in the form
// of C2SP tlog-checkpoint with three extension lines: when it was made, the
// SHA-256 of the leaf prefixes of the records since the checkpoint before, and
// the SHA-256 of the line of that checkpoint. So the last signature of a log vouches for
// every byte before it, bodies excepted.
type checkpoint struct {
	log    string
	size   int64
	root   tlog.Hash
	time   string
	leaves [sha256.Size]byte
	prev   [sha256.Size]byte
}

func (c *checkpoint) appendText(b []byte) []byte {
	b = append(append(append(b, origin...), c.log...), '\n')
	b = append(strconv.AppendInt(b, c.size, 10), '\n')
	b = append(base64.StdEncoding.AppendEncode(b, c.root[:]), '\n')
	b = append(append(append(b, "time "...), c.time...), '\n')
	b = append(base64.StdEncoding.AppendEncode(append(b, "leaves "...), c.leaves[:]), '\n')
	return append(base64.StdEncoding.AppendEncode(append(b, "prev "...), c.prev[:]), '\n')
}

// appendSigned appends the signed note, as package note would write it.
func appendSigned(b []byte, c *checkpoint, signer note.Signer) ([]byte, error) {
	start := len(b)
	b = c.appendText(b)
	sig, err := signer.Sign(b[start:])
	if err != nil {
		return nil, err
	}
	b = append(append(append(b, "\n— "...), signer.Name()...), ' ')
	raw := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(sig)), signer.KeyHash())
	return append(base64.StdEncoding.AppendEncode(b, append(raw, sig...)), '\n'), nil
}

// appendCheckpointLine appends the line that carries a signed note and the leaf
// prefixes of its group.
func appendCheckpointLine(b, signed, prefixes []byte) []byte {
	b = append(b, checkpointPrefix...)
	for len(signed) > 0 {
		i := bytes.IndexByte(signed, '\n')
		b = append(append(b, signed[:i]...), `\n`...) // a note has nothing else to escape
		signed = signed[i+1:]
	}
	b = append(b, `","leaves":"`...)
	b = base64.StdEncoding.AppendEncode(b, prefixes)
	return append(b, `"}`...)
}

// signedCheckpoint is a checkpoint as it was read. Each byte of its line is fixed
// by its fields, so that no byte can change without a field changing.
type signedCheckpoint struct {
	checkpoint
	text     string // what was signed
	signer   string
	sig      []byte // key hash and signature
	prefixes []byte
}

var errCheckpoint = errors.New("is not a checkpoint")

// parseCheckpointLine reads a line of a segment, without the newline.
func parseCheckpointLine(line []byte) (*signedCheckpoint, error) {
	rest, ok := bytes.CutPrefix(line, []byte(checkpointPrefix))
	if !ok {
		return nil, errCheckpoint
	}
	escaped, rest, ok := bytes.Cut(rest, []byte(`","leaves":"`))
	if !ok || bytes.IndexByte(escaped, '\n') >= 0 {
		return nil, errCheckpoint
	}
	rest, ok = bytes.CutSuffix(rest, []byte(`"}`))
	if !ok {
		return nil, errCheckpoint
	}
	c, err := parseNote(strings.ReplaceAll(string(escaped), `\n`, "\n"))
	if err != nil {
		return nil, err
	}
	c.prefixes, err = decode64(string(rest), -1)
	if err != nil || len(c.prefixes)%leafPrefix != 0 {
		return nil, errCheckpoint
	}
	if sha256.Sum256(c.prefixes) != c.leaves {
		return nil, errors.New("lists other records than were signed")
	}
	return c, nil
}

// parseNote reads the text of a signed note, strictly.
func parseNote(signed string) (*signedCheckpoint, error) {
	lines := strings.Split(signed, "\n")
	if len(lines) != 9 || lines[6] != "" || lines[8] != "" {
		return nil, errCheckpoint
	}
	c := &signedCheckpoint{text: signed[:len(signed)-len(lines[7])-2]}
	var ok [5]bool
	c.log, ok[0] = strings.CutPrefix(lines[0], origin)
	c.time, ok[1] = strings.CutPrefix(lines[3], "time ")
	leaves, ok2 := strings.CutPrefix(lines[4], "leaves ")
	prev, ok3 := strings.CutPrefix(lines[5], "prev ")
	sig, ok4 := strings.CutPrefix(lines[7], "— ")
	ok[2], ok[3], ok[4] = ok2, ok3, ok4
	if ok != [5]bool{true, true, true, true, true} || !validLogID(c.log) {
		return nil, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size <= 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, errCheckpoint
	}
	c.size = size
	for _, f := range []struct {
		to   []byte
		from string
	}{{c.root[:], lines[2]}, {c.leaves[:], leaves}, {c.prev[:], prev}} {
		raw, err := decode64(f.from, sha256.Size)
		if err != nil {
			return nil, err
		}
		copy(f.to, raw)
	}
	c.signer, sig, _ = strings.Cut(sig, " ")
	if c.sig, err = decode64(sig, -1); err != nil || len(c.sig) <= 4 {
		return nil, errCheckpoint
	}
	return c, nil
}

// decode64 is strict: two texts never give the same bytes.
func decode64(s string, size int) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errCheckpoint
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || size >= 0 && len(raw) != size {
		return nil, errCheckpoint
	}
	return raw, nil
}

// signedBy reports whether the signature is good.
func (c *signedCheckpoint) signedBy(v note.Verifier) bool {
	return c.signer == v.Name() && binary.BigEndian.Uint32(c.sig) == v.KeyHash() && v.Verify([]byte(c.text), c.sig[4:])
}

func (c *signedCheckpoint) head() Head {
	return Head{Log: c.log, Size: c.size, Root: c.root.String()}
}

func checkpointTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
