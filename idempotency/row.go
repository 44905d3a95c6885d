package idempotency

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/ostiary/ostiary"
)

// bucket is where the keys are in the store.
const bucket = "idempotency"

// state is how far the first call with a key has come, as far as it is known.
type state string

const (
	reserved state = "reserved" // it has not run; whoever finds its process dead takes over
	running  state = "running"  // it may have run
	unknown  state = "unknown"  // it ended without an answer and may have taken effect
	kept     state = "kept"     // its result is here
	tooLarge state = "large"    // it was answered, and the result is not kept
)

// entry is a row. Its value is one line of JSON, then the body and the text of
// the result, byte for byte.
type entry struct {
	State state  `json:"state"`
	Owner string `json:"owner"` // the log of the process
	Call  string `json:"call"`
	// Digest identifies the arguments, the one that holds the key included.
	Digest string    `json:"digest"`
	Rule   string    `json:"rule,omitempty"` // where it is written
	Since  time.Time `json:"since"`          // when the key was reserved
	Status string    `json:"status,omitempty"`
	Body   int       `json:"body,omitempty"` // bytes that are here
	Text   int       `json:"text,omitempty"`
	Lost   int       `json:"lost,omitempty"` // bytes that were too many

	expires time.Time
	result  []byte // body and text
}

func (e *entry) encode(row string) (ostiary.Row, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return ostiary.Row{}, err
	}
	value := make([]byte, 0, len(line)+1+len(e.result))
	value = append(append(append(value, line...), '\n'), e.result...)
	return ostiary.Row{Key: row, Group: string(e.State), Expires: e.expires, Value: value}, nil
}

func decode(r *ostiary.Row) (*entry, error) {
	line, rest, _ := bytes.Cut(r.Value, []byte("\n"))
	e := &entry{expires: r.Expires}
	if err := json.Unmarshal(line, e); err != nil {
		return nil, broken(err)
	}
	if e.Body < 0 || e.Text < 0 || e.Body > len(rest) || e.Text != len(rest)-e.Body {
		return nil, broken(errors.New("the kept result has another length than was written"))
	}
	switch e.State {
	case reserved, running, unknown, tooLarge:
	case kept:
		if _, ok := status(e.Status); !ok {
			return nil, broken(errors.New("a status that is none"))
		}
	default:
		return nil, broken(errors.New("a state that is none"))
	}
	e.result = rest
	return e, nil
}

// broken is the error of a row that this program did not write.
func broken(err error) error {
	return &ostiary.Error{
		Code:    ostiary.CodeStoreUnavailable,
		Message: "what is stored about this idempotency key cannot be read, so whether the call ran is not known and it is refused: tell the operator",
		Reason:  "idempotency: a row of the store is not readable",
		Err:     err,
	}
}

// keepResult puts a result into the entry.
func (e *entry) keepResult(r *ostiary.Result) {
	e.State, e.Status, e.Body, e.Text = kept, r.Status.String(), len(r.Body), len(r.Text)
	e.result = append(append(make([]byte, 0, len(r.Body)+len(r.Text)), r.Body...), r.Text...)
}

// stored is the result as the agent got it.
func (e *entry) stored() *ostiary.Result {
	st, _ := status(e.Status) // decode has looked
	return &ostiary.Result{Status: st, Body: bytes.Clone(e.result[:e.Body]), Text: string(e.result[e.Body:])}
}

// status reads the word of a result's status.
func status(word string) (ostiary.Status, bool) {
	for _, s := range []ostiary.Status{ostiary.StatusOK, ostiary.StatusToolError, ostiary.StatusRPCError} {
		if s.String() == word {
			return s, true
		}
	}
	return ostiary.StatusRefused, false
}

// get reads the entry of a key; nil if there is none, or none any more.
func get(tx ostiary.Tx, row string, now time.Time) (*entry, error) {
	r, err := tx.Get(bucket, row)
	if err != nil || r == nil {
		return nil, err
	}
	if !r.Expires.IsZero() && !r.Expires.After(now) {
		return nil, nil
	}
	return decode(r)
}

func put(tx ostiary.Tx, row string, e *entry) error {
	r, err := e.encode(row)
	if err != nil {
		return err
	}
	return tx.Put(bucket, r)
}
