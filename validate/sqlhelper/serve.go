package sqlhelper

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ostiary/ostiary/validate"
	"github.com/wasilibs/go-pgquery/parser"
)

const (
	maxText  = 64 << 10 // bytes of one text
	maxReply = 4 << 20  // bytes of one summary
)

// reply is one frame from the helper.
type reply struct {
	Ready   bool                 `json:"ready,omitempty"`
	Summary *validate.SQLSummary `json:"summary,omitempty"`
	// Syntax is PostgreSQL's own message about a text that it does not accept.
	Syntax string `json:"syntax,omitempty"`
}

// Serve is the helper's whole life: it loads the grammar, says that it is ready
// and answers texts one after the other until in ends. It is called only by the
// process that a Helper starts; a panic ends that process, and the Helper denies
// the call.
func Serve(in io.Reader, out io.Writer) error {
	nodes := readGrammar()
	if _, err := parse(nodes, "SELECT 1"); err != nil {
		return fmt.Errorf("the grammar does not work: %w", err)
	}
	if err := writeReply(out, reply{Ready: true}); err != nil {
		return err
	}
	for {
		text, err := readFrame(in, maxText)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var r reply
		if sum, err := parse(nodes, string(text)); err != nil {
			r.Syntax = syntax(err)
		} else {
			r.Summary = &sum
		}
		if err := writeReply(out, r); err != nil {
			return err
		}
	}
}

// syntax is PostgreSQL's message without the piece of the text that it quotes,
// which may hold a value that belongs in no log.
func syntax(err error) string {
	message := err.Error()
	if i := strings.Index(message, " at or near "); i >= 0 {
		message = message[:i]
	}
	var e *parser.Error
	if errors.As(err, &e) && e.Cursorpos > 0 {
		message += fmt.Sprintf(" at character %d", e.Cursorpos)
	}
	return message
}

// parse asks PostgreSQL's grammar. The parsing library hands the text over as a
// C string, so a NUL would hide what follows it.
func parse(nodes map[string]fields, text string) (validate.SQLSummary, error) {
	for i := range len(text) {
		if text[i] == 0 {
			return validate.SQLSummary{}, errors.New("the text contains a NUL")
		}
	}
	tokens, err := parser.ScanToProtobuf(text) // flat: needs no stack
	if err != nil {
		return validate.SQLSummary{}, err
	}
	ambiguous, depth, err := lexical(text, tokens)
	if err != nil {
		return validate.SQLSummary{}, err
	}
	if depth > maxDepth {
		return validate.SQLSummary{}, fmt.Errorf("the text nests up to %d levels deep, at most %d are judged", depth, maxDepth)
	}
	tree, err := parser.ParseToJSON(text)
	if err != nil {
		return validate.SQLSummary{}, err
	}
	sum, err := summarize(nodes, []byte(tree))
	sum.Unknown = append(sum.Unknown, ambiguous...)
	return sum, err
}

func writeReply(w io.Writer, r reply) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeFrame(w, b)
}

// A frame is its length, four bytes big-endian, and its bytes.
func writeFrame(w io.Writer, b []byte) error {
	buf := make([]byte, 4, 4+len(b))
	binary.BigEndian.PutUint32(buf, uint32(len(b)))
	_, err := w.Write(append(buf, b...))
	return err
}

// readFrame returns io.EOF only between frames.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > limit {
		return nil, fmt.Errorf("a frame of %d bytes; at most %d are read", n, limit)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("a frame ended early: %w", io.ErrUnexpectedEOF)
	}
	return b, nil
}
