package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ostiary/ostiary/approval"
)

type approvalsWatchCommand struct {
	deskFlags
	JSON bool `name:"json" help:"Print one JSON object a line for each request that comes or goes."`
}

const (
	watchEvery  = 200 * time.Millisecond
	redrawEvery = time.Second
)

// Run shows what waits until it is interrupted, which is no error.
func (c *approvalsWatchCommand) Run(ctx context.Context, p program) (err error) {
	r, err := c.requests(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, r.d) }()
	if isTerminal(p.out) && !c.JSON {
		err = r.live(ctx, p)
	} else {
		known := map[string]approval.Request{}
		err = r.Watch(ctx, watchEvery, func(now []approval.Request) error {
			return r.changes(ctx, known, now, func(change string, one approval.Request) error { return c.print(p, change, &one) })
		})
	}
	if ctx.Err() != nil {
		return nil
	}
	return readable(err)
}

// The words for a change in --json.
const (
	waits = "waits"
	ended = "ended"
)

// print tells of one change on a line.
func (c *approvalsWatchCommand) print(p program, change string, one *approval.Request) error {
	if c.JSON {
		return p.printLine(struct {
			Change  string        `json:"change"`
			Request requestReport `json:"request"`
		}{change, requestJSON(one)})
	}
	cells := requestCells(one, one.Created)
	text := fmt.Sprintf("%s waits     %s asks for %s (%s): %s", cells[0], cells[2], cells[3], cells[4], cells[6])
	if change == ended {
		text = fmt.Sprintf("%s %-9s %s for %s", cells[0], one.State, cells[3], cells[2])
	}
	_, err := fmt.Fprintln(p.out, text)
	return err
}

// changes tells what is new in a list and what has gone from it, and keeps it.
func (r *requests) changes(ctx context.Context, known map[string]approval.Request, now []approval.Request, tell func(string, approval.Request) error) error {
	there := map[string]bool{}
	for _, one := range now {
		there[one.ID] = true
		if _, ok := known[one.ID]; !ok {
			known[one.ID] = one
			if err := tell(waits, one); err != nil {
				return err
			}
		}
	}
	for id := range known {
		if there[id] {
			continue
		}
		delete(known, id)
		one, err := r.Get(ctx, id)
		if err != nil {
			return err
		}
		one.Args, one.Preview = nil, nil
		if err := tell(ended, one); err != nil {
			return err
		}
	}
	return nil
}

// live draws the list again whenever it changes, and each second for the times.
func (r *requests) live(ctx context.Context, p program) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lists, done := make(chan []approval.Request), make(chan error, 1)
	go func() {
		done <- r.Watch(ctx, watchEvery, func(now []approval.Request) error {
			select {
			case lists <- now:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	var list []approval.Request
	for {
		select {
		case err := <-done:
			return err
		case list = <-lists:
		case <-tick.C:
		}
		if err := r.draw(p, list); err != nil {
			stop()
			if end := <-done; !errors.Is(end, context.Canceled) {
				err = errors.Join(err, end)
			}
			return err
		}
	}
}

// shownMost is how many requests a screen shows.
const shownMost = 40

func (r *requests) draw(p program, list []approval.Request) error {
	var b strings.Builder
	b.WriteString("\x1b[H\x1b[2J\x1b[3J")
	if len(list) == 0 {
		b.WriteString("No request waits for a person. A call that asks shows here at once. Ctrl-C ends this.\n")
		_, err := io.WriteString(p.out, b.String())
		return err
	}
	fmt.Fprintf(&b, "%s for a person. `ostiary approvals show%[2]s ID` tells all of one, `ostiary approve%[2]s ID` and `ostiary deny%[2]s ID` answer it.\n\n",
		counted(len(list), "request"), r.d.again)
	screen := p
	screen.out = &b
	if err := r.table(screen, list[:min(len(list), shownMost)], false); err != nil {
		return err
	}
	if more := len(list) - shownMost; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}
