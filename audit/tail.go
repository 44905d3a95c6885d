package audit

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"
)

// TailOptions adapt [Tail].
type TailOptions struct {
	// Last is how many records that are there already are shown first.
	Last int
	// Follow goes on until the context ends.
	Follow bool
	// Tick says when to look again; by default five times a second.
	Tick <-chan time.Time
}

// Tail hands the records of all logs over as they become durable, those of each
// look in the order of time. An error of show ends it and is returned.
func Tail(ctx context.Context, dir string, o TailOptions, show func(Found) error) error {
	root := filepath.Join(dir, "audit")
	places := map[string]*cursor{}
	var last []Found
	if err := look(root, places, func(f Found) error {
		last = append(last, f)
		if len(last) > 4*o.Last+1000 { // keep what may be among the last ones
			last = newest(last, o.Last)
		}
		return nil
	}); err != nil {
		return unreadable(err)
	}
	for _, f := range newest(last, o.Last) {
		if err := show(f); err != nil {
			return err
		}
	}
	if !o.Follow {
		return nil
	}
	if o.Tick == nil {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		o.Tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.Tick:
		}
		var batch []Found
		if err := look(root, places, func(f Found) error { batch = append(batch, f); return nil }); err != nil {
			return unreadable(err)
		}
		for _, f := range newest(batch, len(batch)) {
			if err := show(f); err != nil {
				return err
			}
		}
	}
}

// look reads what is new in every log.
func look(root string, places map[string]*cursor, emit func(Found) error) error {
	ids, err := logIDs(root)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if places[id] == nil {
			places[id] = &cursor{}
		}
		err := places[id].read(filepath.Join(root, id), emit)
		if errors.Is(err, errRewound) { // a torn end was repaired; nothing of it was shown
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newest returns the last n records by time, oldest first.
func newest(all []Found, n int) []Found {
	slices.SortStableFunc(all, func(a, b Found) int {
		return cmp.Or(a.Record.Time.Compare(b.Record.Time), cmp.Compare(a.Record.Log, b.Record.Log), cmp.Compare(a.Record.N, b.Record.N))
	})
	return all[max(0, len(all)-n):]
}
