package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary"
)

// doors are the doors of one endpoint: one for each legacy session, bound to the
// principal and the proved session that began it, and one for each principal and
// proved session of the modern era.
type doors struct {
	o      HTTPOptions
	ctx    context.Context
	stop   context.CancelFunc
	number atomic.Uint64
	ids    *identifier

	mu     sync.Mutex
	all    map[string]*session // by Mcp-Session-Id, or by who in the modern era
	count  map[string]int      // of each principal
	closed bool
	busy   sync.WaitGroup
	away   *turnedAway
}

// session is one door and who may use it.
type session struct {
	id, principal, proved string
	door                  *door
	end                   context.CancelFunc

	inside int       // requests, under the lock of doors
	left   time.Time // of the last one
	timer  *time.Timer
}

func newDoors(o HTTPOptions) *doors {
	ctx, stop := context.WithCancel(context.Background())
	d := &doors{o: o, ctx: ctx, stop: stop, all: map[string]*session{}, count: map[string]int{}}
	d.o.Door.compiled = newCompiled()
	d.o.Door.tasks = newTasks()
	d.o.Door.Limits.AllowNewlines = true              // no client ends messages by them
	d.ids, _ = newIdentifier(o.Door.Now, o.Door.Rand) // without randomness no door opens
	d.away = newTurnedAway(d)
	return d
}

// idBytes make a session's id hard to guess.
const idBytes = 18

// open begins a legacy session.
func (s *doors) open(who ostiary.Principal, proved string) (*session, func(), error) {
	raw := make([]byte, idBytes)
	if _, err := io.ReadFull(s.o.Door.Rand, raw); err != nil {
		return nil, nil, err
	}
	return s.add(base64.RawURLEncoding.EncodeToString(raw), who, proved)
}

// shared returns the door of the modern era of who calls.
func (s *doors) shared(who ostiary.Principal, proved string) (*session, func(), error) {
	key := " " + strconv.Itoa(len(who.ID)) + " " + who.ID + proved // no Mcp-Session-Id has a space
	if d, release := s.session(key, who.ID, proved); d != nil {
		return d, release, nil
	}
	return s.add(key, who, proved)
}

func (s *doors) add(id string, who ostiary.Principal, proved string) (*session, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch old := s.all[id]; {
	case s.closed:
		return nil, nil, errShutdown
	case old != nil:
		return old, s.enter(old), nil
	case s.count[who.ID] >= s.o.Sessions:
		return nil, nil, &ostiary.Error{Code: ostiary.CodeLimitConcurrency,
			Message: fmt.Sprintf("there are %d sessions of yours already: end one before you begin another", s.o.Sessions)}
	}
	o := s.o.Door
	o.Principal, o.Session = who, proved
	ctx, end := context.WithCancel(s.ctx)
	d, err := openHTTP(o, id[0] == ' ')
	if err != nil {
		end()
		return nil, nil, err
	}
	one := &session{id: id, principal: who.ID, proved: proved, door: d, end: end}
	one.timer = time.AfterFunc(s.o.IdleSession, func() { s.idle(one) })
	s.all[id], s.count[who.ID] = one, s.count[who.ID]+1
	if d.server == nil { // there is nothing to read, so nobody has to wait
		s.busy.Add(1)
		d.catalog.begin(d.life)
		context.AfterFunc(ctx, func() {
			defer s.busy.Done()
			d.shut(d.die, nil, false)
			s.drop(one)
		})
		return one, s.enter(one), nil
	}
	s.busy.Go(func() {
		if err := d.serve(ctx); err != nil {
			o.Log.Warn("a session ended", "upstream", o.Upstream, "error", err)
		}
		s.drop(one)
	})
	return one, s.enter(one), nil
}

// session returns the door of a session if it is that of who asks, and a function
// to call when the request has ended.
func (s *doors) session(id, principal, proved string) (*session, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.all[id]
	if d == nil || d.principal != principal || d.proved != proved {
		return nil, nil
	}
	return d, s.enter(d)
}

func (s *doors) enter(d *session) func() {
	d.inside++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.inside--; d.inside == 0 {
			d.left = s.o.Door.Now()
			d.timer.Reset(s.o.IdleSession)
		}
	}
}

// idle ends a session that nobody has used for its time.
func (s *doors) idle(d *session) {
	s.mu.Lock()
	used := d.inside > 0 || !d.left.IsZero() && s.o.Door.Now().Sub(d.left) < s.o.IdleSession
	s.mu.Unlock()
	if !used {
		s.drop(d)
	}
}

// drop ends a session.
func (s *doors) drop(d *session) {
	s.mu.Lock()
	if s.all[d.id] == d {
		delete(s.all, d.id)
		if s.count[d.principal]--; s.count[d.principal] <= 0 {
			delete(s.count, d.principal)
		}
	}
	s.mu.Unlock()
	d.timer.Stop()
	d.end()
}

func (s *doors) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.busy.Wait()
	s.away.close()
}

// prefix is what keeps the ids of one request of the modern era apart from those
// of all others.
func (s *doors) prefix() string { return strconv.FormatUint(s.number.Add(1), 36) + ":" }

// openHTTP makes the door of a session, or the one that the clients of a principal
// share; its life ends with serve.
func openHTTP(o Options, shared bool) (*door, error) {
	d, err := newDoor(o)
	if err != nil {
		return nil, err
	}
	d.life, d.die = context.WithCancelCause(context.Background())
	client := &httpClient{}
	if !shared {
		client.other = d.down.anyStream
	}
	d.toClient = client
	if o.Remote == nil {
		if err := d.startLocal(o); err != nil {
			return nil, err
		}
		return d, nil
	}
	d.remote = newRemote(d, *o.Remote)
	d.toServer = d.remote
	return d, nil
}
