package approval

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// DeskOptions are for NewDesk. Store and Journal are required.
type DeskOptions struct {
	Store   ostiary.Store
	Journal ostiary.Journal
	// Clock is time.Now by default.
	Clock func() time.Time
	// Flags are as in [Options].
	Flags string
}

// Desk is where people look at requests and decide: what the command line and
// the console share. It is used by many goroutines at once.
type Desk struct{ *ledger }

// Who decides: the person's name as the operating system or a sign-in proves
// it, and the channel.
type Who struct{ Name, Channel string }

// NewDesk makes a Desk. The error is config_invalid if something is missing.
func NewDesk(o DeskOptions) (*Desk, error) {
	l, err := newLedger(o.Store, o.Journal, o.Clock, o.Flags)
	if err != nil {
		return nil, err
	}
	return &Desk{l}, nil
}

// shortest is how much of an id names a request: enough that nobody meets
// another one by chance.
const shortest = 4

// Get returns the request with this id, or with the only id that begins like
// this, with the masked arguments and the preview. The error is
// approval_unknown if there is none, or more than one.
func (d *Desk) Get(ctx context.Context, id string) (r Request, err error) {
	id = strings.ToLower(strings.TrimSpace(id))
	if len(id) < shortest || len(id) > maxName || strings.Trim(id, letters) != "" {
		return r, unknown(id)
	}
	err = d.store.View(ctx, func(tx ostiary.Tx) error {
		var ids []string
		for row, err := range tx.List(bucketID, ostiary.Query{Prefix: id, Limit: 2}) {
			if err != nil {
				return err
			}
			ids = append(ids, row.Key)
		}
		if len(ids) == 0 {
			return unknown(id)
		}
		if len(ids) > 1 {
			return refuse(ostiary.CodeApprovalUnknown, "", "more than one id begins with %q: give more of it", safe(id))
		}
		one, err := d.read(tx, ids[0])
		if err != nil {
			return err
		}
		if one == nil {
			return unknown(id)
		}
		r = *one
		more, err := details(tx, r.ID)
		if err != nil {
			return err
		}
		more.into(&r)
		return nil
	})
	if err != nil {
		return Request{}, err
	}
	r.State = r.At(d.now())
	return r, nil
}

// List returns requests without arguments and previews, the oldest first.
func (d *Desk) List(ctx context.Context, f Filter) ([]Request, error) {
	now, groups := d.now(), f.groups()
	if f.Limit > 0 {
		return d.first(ctx, f, now)
	}
	var rows []ostiary.Row
	err := d.store.View(ctx, func(tx ostiary.Tx) error {
		rows = rows[:0]
		for _, group := range groups {
			for row, err := range tx.List(bucket, ostiary.Query{Group: group}) {
				if err != nil {
					return err
				}
				rows = append(rows, row)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found := make([]Request, 0, len(rows)) // once, since it may be long
	for i := range rows {
		r := &found[:len(found)+1][len(found)]
		*r = Request{}
		if err := decoded(&rows[i], r); err != nil {
			return nil, err
		}
		r.State = r.At(now)
		if f.names(r) {
			found = found[:len(found)+1]
		}
	}
	if len(groups) > 1 { // one is in this order already
		slices.SortFunc(found, func(a, b Request) int {
			return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
		})
	}
	return found, nil
}

// first returns the oldest requests that f names and reads no further.
func (d *Desk) first(ctx context.Context, f Filter, now time.Time) (found []Request, err error) {
	if len(f.groups()) > 1 {
		return nil, &ostiary.Error{Code: ostiary.CodeInternal, Message: "a list of requests in several states has no limit"}
	}
	err = d.store.View(ctx, func(tx ostiary.Tx) error {
		found = found[:0]
		for row, err := range tx.List(bucket, ostiary.Query{Group: f.groups()[0]}) {
			var r Request
			if err == nil {
				err = decoded(&row, &r)
			}
			if err != nil {
				return err
			}
			if r.State = r.At(now); f.names(&r) {
				found = append(found, r)
			}
			if len(found) >= f.Limit {
				return nil
			}
		}
		return nil
	})
	return found, err
}

// groups are the states as they are written in which f may find something; the
// empty one is all.
func (f Filter) groups() []string {
	if len(f.States) == 0 {
		return []string{""}
	}
	var groups []string
	for _, s := range f.States {
		groups = append(groups, string(s))
		if s == Expired { // perhaps nobody wrote so
			groups = append(groups, string(Pending), string(Approved))
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func (f Filter) names(r *Request) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, r.State)) &&
		(f.Principal == "" || r.Principal == cut(f.Principal, maxName))
}

// Watch calls f with the requests that wait, at once and whenever they may have
// changed, looking every so often. It ends with the error of f, of the store, or
// of ctx.
func (d *Desk) Watch(ctx context.Context, every time.Duration, f func([]Request) error) error {
	ticker := time.NewTicker(max(every, 10*time.Millisecond))
	defer ticker.Stop()
	seen := int64(-1)
	var list []Request
	for {
		v, err := d.store.Version(ctx, bucket)
		if err != nil {
			return err
		}
		now := d.now()
		if v != seen || slices.ContainsFunc(list, func(r Request) bool { return r.At(now) != Pending }) {
			if list, err = d.List(ctx, Filter{States: []State{Pending}}); err != nil {
				return err
			}
			if err := f(slices.Clone(list)); err != nil {
				return err
			}
			seen = v
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
