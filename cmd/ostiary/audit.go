package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// auditCommand reads the evidence. Nothing here writes to a log, and nothing
// that a log holds reaches a terminal as it is: what was asked of the door is
// text of strangers.
type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Check all evidence and name the first record that was changed."`
	Tail   auditTailCommand   `cmd:"" help:"Print the last records, and with -f those that follow."`
	Query  auditQueryCommand  `cmd:"" help:"Search the records, newest last."`
	Show   auditShowCommand   `cmd:"" help:"Print everything that is known of one call."`
}

// logsOf returns the state directory, and an error with the next step if it
// holds no log.
func (s stateFlag) logsOf() (string, error) {
	dir, err := s.dir()
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(filepath.Join(dir, "audit"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Err: err,
			Message: "the evidence cannot be read; run this as the user who runs the door, or on a copy of the state directory"}
	}
	for _, e := range entries {
		if e.IsDir() {
			return dir, nil
		}
	}
	return dir, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: fmt.Sprintf(
		"there is no evidence in %s: start a server behind the door (`ostiary run -- COMMAND`), or name another state directory with --state", visible(dir))}
}

// readable makes the text of an error fit for a terminal: it may quote the log.
func readable(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, readable(one))
		}
		return errors.Join(all...)
	}
	var e *ostiary.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		clean := &ostiary.Error{Code: e.Code, Message: visible(e.Message), Reason: visible(e.Reason)}
		if e.Err != nil {
			clean.Err = errors.New(visible(e.Err.Error()))
		}
		if before, after, _ := strings.Cut(err.Error(), e.Error()); before+after != "" {
			return fmt.Errorf("%s%w%s", visible(before), clean, visible(after))
		}
		return clean
	case errors.Is(err, context.Canceled):
		return &ostiary.Error{Code: ostiary.CodeAuditUnavailable, Message: "interrupted before the end, so nothing is known"}
	}
	return errors.New(visible(err.Error()))
}

// misusedFlag is an error about the value of a flag.
func misusedFlag(format string, args ...any) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: visible(fmt.Sprintf(format, args...))}
}

// slow is after which time a person is told what takes so long.
const slow = 2 * time.Second

// patiently says what is going on if work is not done when late fires.
func patiently(to io.Writer, late <-chan time.Time, what string, work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	select {
	case <-done:
		return
	case <-late:
		fmt.Fprintln(to, what)
	}
	<-done
}

// indexing is what takes long when a query does.
const indexing = "Bringing the index up to date; the first query after a long time reads all logs …"

// search is audit.Query that says when it takes long.
func (p program) search(ctx context.Context, dir string, f audit.Filter) (found []audit.Found, err error) {
	late := time.NewTimer(slow)
	defer late.Stop()
	patiently(p.err, late.C, indexing, func() { found, err = audit.Query(ctx, dir, f) })
	return found, readable(err)
}

// foundJSON is a record and its body on one line, equal as JSON to what the log
// holds, with everything escaped that a terminal would obey.
func foundJSON(f audit.Found) []byte {
	b := append([]byte(`{"record":`), f.Line...)
	if f.Body != nil {
		b = append(append(b, `,"body":`...), f.Body...)
	}
	return escapeJSON(append(b, '}'))
}

// printJSON prints one value, indented.
func (p program) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := p.out.Write(escapeJSON(b.Bytes()))
	return err
}
