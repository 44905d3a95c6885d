// Package sqlhelper judges PostgreSQL texts with PostgreSQL's own grammar, in
// one process of its own.
//
// Threat: SQL that reads as harmless to anything but the real grammar. The
// grammar is libpg_query compiled to WebAssembly; it needs about 260 MB and
// seconds to load, and it was written to parse, not to face an attacker. So it
// runs in a child: started when first needed, one text at a time, bounded in
// time, text and memory, killed when it is idle, hangs or crashes, and gone with
// its parent even if that is killed.
//
// Promise: what Parse returns names every statement class, table and function
// in the text, and in Unknown whatever this package has no judgement on.
//
// What it does not stop: a view, trigger, rule or function body on the server
// that does more than its name says; a search_path that leads a plain name
// elsewhere. A role with only the rights it needs stops those.
package sqlhelper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/validate"
)

// Options configures a Helper. Zero durations and sizes mean the default in
// brackets.
type Options struct {
	// Command is the program and its arguments that calls Serve on its standard
	// streams; it gets no environment of ours. Required.
	Command []string
	// Idle is how long an unused helper lives (5 min).
	Idle time.Duration
	// StartTimeout bounds loading the grammar (60 s), ParseTimeout one text (5 s).
	StartTimeout, ParseTimeout time.Duration
	// MemoryLimit bounds the helper's data in bytes (1 GiB); beyond it it dies.
	MemoryLimit int64
	// AfterFunc is time.AfterFunc, or a test's: it calls f after d unless stop is
	// called first.
	AfterFunc func(d time.Duration, f func()) (stop func())
}

// Helper keeps the one helper process. Its methods are safe for use by many
// goroutines; texts are judged one after the other.
type Helper struct {
	o    Options
	slot chan struct{} // holds one token: who has it owns the fields below

	child  *process
	used   uint64 // how many texts were asked, so that an idle timer knows it is stale
	stop   func() // of the idle timer
	closed bool
}

// New checks the options. No process starts before the first Parse.
func New(o Options) (*Helper, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("sqlhelper: no command to start")
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Idle, 5 * time.Minute}, {&o.StartTimeout, time.Minute}, {&o.ParseTimeout, 5 * time.Second}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if o.MemoryLimit <= 0 {
		o.MemoryLimit = 1 << 30
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(d time.Duration, f func()) func() {
			t := time.AfterFunc(d, f)
			return func() { t.Stop() }
		}
	}
	h := &Helper{o: o, slot: make(chan struct{}, 1)}
	h.slot <- struct{}{}
	return h, nil
}

// Parse judges one text; it is a validate.SQLParser. The dialect is postgresql.
// An error is an *ostiary.Error with CodeValidateSQL and denies the call. When ctx
// ends first, Parse returns at once and the helper finishes by itself, so that
// a caller that hangs up cannot make the next one wait for a new start.
func (h *Helper) Parse(ctx context.Context, dialect, text string) (validate.SQLSummary, error) {
	if dialect != "postgresql" {
		return validate.SQLSummary{}, refused(fmt.Sprintf("the SQL helper does not speak the dialect %q; it speaks postgresql", dialect), nil)
	}
	if len(text) > maxText {
		return validate.SQLSummary{}, refused(fmt.Sprintf("the SQL text has %d bytes; at most %d are judged: send less", len(text), maxText), nil)
	}
	select {
	case <-h.slot:
	case <-ctx.Done():
		return validate.SQLSummary{}, gaveUp(ctx)
	}
	if err := ctx.Err(); err != nil {
		h.slot <- struct{}{}
		return validate.SQLSummary{}, gaveUp(ctx)
	}
	type answer struct {
		sum validate.SQLSummary
		err error
	}
	done := make(chan answer, 1)
	go func() {
		defer func() { h.slot <- struct{}{} }()
		sum, err := h.ask(text)
		done <- answer{sum, err}
	}()
	select {
	case a := <-done:
		return a.sum, a.err
	case <-ctx.Done():
		return validate.SQLSummary{}, gaveUp(ctx)
	}
}

// ask runs with the slot held.
func (h *Helper) ask(text string) (validate.SQLSummary, error) {
	if h.closed {
		return validate.SQLSummary{}, refused("the SQL helper is closed; the door is shutting down", nil)
	}
	h.used++
	if h.stop != nil {
		h.stop()
	}
	if h.child == nil {
		child, err := start(h.o)
		if err != nil {
			return validate.SQLSummary{}, refused("the SQL helper could not start, so no SQL can be judged; tell the operator", err)
		}
		h.child = child
	}
	r, err := h.child.exchange([]byte(text), h.o.ParseTimeout)
	if err != nil {
		err = fmt.Errorf("%w; its last words: %q", err, h.child.end())
		h.child = nil
		return validate.SQLSummary{}, refused("the SQL helper did not get through this text and was restarted; send a simpler statement", err)
	}
	generation := h.used
	h.stop = h.o.AfterFunc(h.o.Idle, func() { h.endIdle(generation) })
	if r.Summary == nil {
		return validate.SQLSummary{}, refused("the PostgreSQL text cannot be judged: "+r.Syntax+"; send one complete, plain statement", nil)
	}
	return *r.Summary, nil
}

// endIdle ends the helper if nothing was asked since the timer was set.
func (h *Helper) endIdle(generation uint64) {
	<-h.slot
	defer func() { h.slot <- struct{}{} }()
	if h.child != nil && h.used == generation {
		h.child.end()
		h.child = nil
	}
}

// Close ends the helper and waits for it. Later calls are denied.
func (h *Helper) Close() error {
	<-h.slot
	defer func() { h.slot <- struct{}{} }()
	h.closed = true
	if h.stop != nil {
		h.stop()
	}
	if h.child != nil {
		h.child.end()
		h.child = nil
	}
	return nil
}

func refused(message string, cause error) error {
	return &ostiary.Error{Code: ostiary.CodeValidateSQL, Message: message, Err: cause}
}

func gaveUp(ctx context.Context) error {
	return refused("the SQL text was not judged in time; try again", context.Cause(ctx))
}
