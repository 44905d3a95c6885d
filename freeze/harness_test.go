package freeze

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

func open(t testing.TB, dir string) *store.SQLite {
	t.Helper()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// counting is a store that counts what it is asked.
type counting struct {
	ostiary.Store
	versions, views atomic.Int64
}

func (c *counting) Version(ctx context.Context, bucket string) (int64, error) {
	c.versions.Add(1)
	return c.Store.Version(ctx, bucket)
}

func (c *counting) View(ctx context.Context, f func(ostiary.Tx) error) error {
	c.views.Add(1)
	return c.Store.View(ctx, f)
}

// ticker is a monotonic clock that a test moves.
type ticker struct{ atomic.Int64 }

func (t *ticker) now() time.Duration { return time.Duration(t.Load()) }

func (t *ticker) move(d time.Duration) { t.Add(int64(d)) }

// journal keeps events; it fails where a test says so.
type journal struct {
	mu     sync.Mutex
	events []ostiary.Event
	err    error
}

func (j *journal) Note(e ostiary.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.events = append(j.events, e)
	}
	return j.err
}

func (j *journal) names() (names []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events {
		names = append(names, e.Name)
	}
	return names
}

// noon is when everything in these tests happens.
func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func desk(s ostiary.Store) *Desk {
	return NewDesk(DeskOptions{Store: s, Journal: &journal{}, Clock: noon})
}

var me = Who{Name: "olga", Channel: "cli"}

func (d *Desk) mustFreeze(t testing.TB, s Scope, now bool) {
	t.Helper()
	if _, err := d.Freeze(context.Background(), s, now, me, "it misbehaves"); err != nil {
		t.Fatal(err)
	}
}

func (d *Desk) mustLift(t testing.TB, s Scope) {
	t.Helper()
	if _, err := d.Unfreeze(context.Background(), s, me, "it behaves"); err != nil {
		t.Fatal(err)
	}
}

func call(principal, upstream, tool string) *ostiary.Call {
	return &ostiary.Call{
		ID: "c", Principal: ostiary.Principal{ID: principal}, Session: "4711@17", Upstream: upstream,
		Method: "tools/call", Class: ostiary.ClassTool, Target: tool,
	}
}

// phone is the door's end of a call that only listens.
type phone struct {
	ostiary.Caller
	once sync.Once
	hung chan error
}

func newPhone() *phone { return &phone{hung: make(chan error, 1)} }

func (p *phone) Cancel(cause error) { p.once.Do(func() { p.hung <- cause }) }

func (p *phone) cancelled() error {
	select {
	case err := <-p.hung:
		return err
	default:
		return nil
	}
}

func codeOf(d ostiary.Decision, err error) ostiary.Code {
	if err != nil {
		return ostiary.AsError(err).Code
	}
	if d.Verdict == ostiary.Allow {
		return ""
	}
	return d.Code
}

func is(err error, code ostiary.Code) bool { return errors.Is(err, code) }
