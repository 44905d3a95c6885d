package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

const (
	saltSize    = 16
	textRunes   = 200      // of a redacted result; who makes a Result gives more, so that no secret is halved
	defaultArgs = 64 << 10 // bytes of redacted arguments
)

type salt [saltSize]byte

// draw fills the salt from rand, which may be shared by callers.
func (l *Log) draw(s *salt) error {
	_, err := io.ReadFull(l.opts.Rand, s[:])
	return err
}

// digest hides the arguments' digest from those who can guess the arguments.
func (s *salt) digest(d *ostiary.Digest) [sha256.Size]byte {
	var in [saltSize + len(d)]byte
	copy(in[copy(in[:], s[:]):], d[:])
	return sha256.Sum256(in[:])
}

// appendBody appends a body's line with its newline. The salt makes the line's
// hash tell nothing about its content once the line is gone.
func (l *Log) appendBody(b []byte, s *salt, c *ostiary.Call, args bool, res *ostiary.Result) []byte {
	b = append(b, bodyPrefix[:len(bodyPrefix)-1]...)
	b = appendString(b, c.ID)
	b = base64.StdEncoding.AppendEncode(append(b, `,"salt":"`...), s[:])
	b = append(b, '"')
	withheld := ""
	if args && len(c.Arguments) > 0 {
		var ok bool
		if b, ok = l.appendArgs(b, c, `,"args":`, `,"cut":`); !ok {
			withheld = "args"
		}
	}
	if args && c.Beside != nil {
		beside := *c
		beside.Arguments, beside.Args = c.Beside, c.BesideArgs
		var ok bool
		if b, ok = l.appendArgs(b, &beside, `,"beside":`, `,"beside_cut":`); !ok {
			withheld = strings.TrimSpace(withheld + " beside")
		}
	}
	if res != nil && res.Text != "" {
		text, ok := guarded(func() string { return l.opts.RedactText(res.Text) })
		if ok {
			b = appendField(b, `,"text":`, firstRunes(text, textRunes))
		} else {
			withheld = strings.TrimSpace(withheld + " text")
		}
	}
	b = appendField(b, `,"withheld":`, withheld)
	return append(b, '}', '\n')
}

// appendArgs appends the redacted arguments. What cannot be redacted into one
// JSON value is withheld: an unredacted secret would be worse than a gap. as and
// cut are the fields that they and what is left out of them stand in.
func (l *Log) appendArgs(b []byte, c *ostiary.Call, as, cut string) ([]byte, bool) {
	args, ok := guarded(func() []byte { return l.opts.Redact(c) })
	if !ok {
		return b, false
	}
	if over := len(args) - l.opts.MaxArgs; over > 0 {
		b = appendString(append(b, as...), string(bytes.ToValidUTF8(args[:l.opts.MaxArgs], nil)))
		return strconv.AppendInt(append(b, cut...), int64(over), 10), true
	}
	judged := c.Digest != (ostiary.Digest{}) && len(args) == len(c.Arguments) && &args[0] == &c.Arguments[0]
	if !judged && !wire.Valid(args) { // what was judged was read as one
		return b, false
	}
	b = append(b, as...)
	if bytes.IndexByte(args, '\n') < 0 && bytes.IndexByte(args, '\r') < 0 {
		return append(b, args...), true
	}
	buf := bytes.NewBuffer(b)
	if err := json.Compact(buf, args); err != nil {
		return b, false
	}
	return buf.Bytes(), true
}

// guarded runs a redactor of another room; a panic there withholds the text.
func guarded[T any](redact func() T) (out T, ok bool) {
	defer func() {
		if recover() != nil {
			var none T
			out, ok = none, false
		}
	}()
	return redact(), true
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
