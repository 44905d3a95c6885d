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
	held   *held

	starting chan struct{} // has room for the doors that may be opened at once
}

// session is one door and who may use it.
type session struct {
	id, principal, proved string
	ctx                   context.Context
	end                   context.CancelFunc

	over   chan struct{} // closed when the door has ended
	ready  chan struct{} // closed when the next two are set
	door   *door
	failed error

	inside int       // requests, under the lock of doors
	left   time.Time // of the last one
	timer  *time.Timer
}

func newDoors(o HTTPOptions) *doors {
	ctx, stop := context.WithCancel(context.Background())
	if o.Capacity == nil {
		o.Capacity = &Capacity{}
	}
	d := &doors{o: o, ctx: ctx, stop: stop, all: map[string]*session{}, count: map[string]int{}, starting: make(chan struct{}, startsMost), held: newHeld()}
	d.o.Door.compiled = newCompiled()
	d.o.Door.tasks = newTasks()
	d.o.Door.Limits.AllowNewlines = true // no client ends messages by them
	d.ids = callIDs(o.Door.Now, o.Door.Rand)
	d.away = newTurnedAway(d)
	return d
}

const (
	// idBytes make a session's id hard to guess.
	idBytes = 18
	// startsMost is how many doors of an endpoint are opened at once.
	startsMost = 8
)

// open begins a legacy session.
func (s *doors) open(ctx context.Context, who ostiary.Principal, proved string) (*session, func(), error) {
	raw := make([]byte, idBytes)
	if _, err := io.ReadFull(s.o.Door.Rand, raw); err != nil {
		return nil, nil, err
	}
	return s.add(ctx, base64.RawURLEncoding.EncodeToString(raw), who, proved, func(o Options) (*door, error) { return openHTTP(o, false) })
}

// shared returns the door of the modern era of who calls.
func (s *doors) shared(ctx context.Context, who ostiary.Principal, proved string) (*session, func(), error) {
	key := " " + strconv.Itoa(len(who.ID)) + " " + who.ID + proved // no Mcp-Session-Id has a space
	if d, release := s.session(key, who.ID, proved); d != nil {
		return d, release, nil
	}
	return s.add(ctx, key, who, proved, func(o Options) (*door, error) { return openHTTP(o, true) })
}

// opener makes the door of a session.
type opener func(Options) (*door, error)

// add returns the session with this id, which is made if there is none. Making
// one may take time, for a server is started: only those wait who ask for the
// same one.
func (s *doors) add(ctx context.Context, id string, who ostiary.Principal, proved string, open opener) (*session, func(), error) {
	one, release, mine, err := s.reserve(id, who, proved)
	if err != nil {
		return nil, nil, err
	}
	if mine {
		go s.make(one, who, open)
	}
	t := time.NewTimer(s.o.Door.CatalogWait)
	defer t.Stop()
	select {
	case <-one.ready:
		err = one.failed
	case <-t.C:
		err = &ostiary.Error{Code: ostiary.CodeGatewayUpstream, RetryAfter: startRetry,
			Message: "the server takes too long to start: try again in a while, or ask the operator to look at it"}
	case <-ctx.Done():
		err = &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "the client did not wait for the server to start"}
	}
	if err != nil {
		release()
		if mine && id[0] != ' ' { // nobody will ever know its id
			s.drop(one)
		}
		return nil, nil, err
	}
	return one, release, nil
}

// reserve takes a place for a session, or joins the one that is there or being
// made; mine says that the caller makes it.
func (s *doors) reserve(id string, who ostiary.Principal, proved string) (one *session, release func(), mine bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch old := s.all[id]; {
	case s.closed:
		return nil, nil, false, errShutdown
	case old != nil:
		return old, s.enter(old), false, nil
	case s.count[who.ID] >= s.o.Sessions:
		return nil, nil, false, &ostiary.Error{Code: ostiary.CodeLimitConcurrency, RetryAfter: sessionRetry,
			Message: fmt.Sprintf("there are %d sessions of yours already: end one before you begin another", s.o.Sessions)}
	case !s.o.Capacity.session():
		return nil, nil, false, crowded()
	}
	one = &session{id: id, principal: who.ID, proved: proved, ready: make(chan struct{}), over: make(chan struct{})}
	one.ctx, one.end = context.WithCancel(s.ctx)
	one.timer = time.AfterFunc(s.o.IdleSession, func() { s.idle(one) })
	s.all[id], s.count[who.ID] = one, s.count[who.ID]+1
	s.busy.Add(1)
	return one, s.enter(one), true, nil
}

// make opens the door of a session that has its place, and serves it.
func (s *doors) make(one *session, who ostiary.Principal, open opener) {
	o := s.o.Door
	o.Principal, o.Session = who, one.proved
	d, err := s.start(one, o, open)
	one.door, one.failed = d, err
	if err == nil && d.server == nil && d.read == nil { // there is nothing to read, so nobody has to wait
		d.falls = one.end
		d.catalog.begin(d.life)
		d.hears(d.life)
		close(one.ready)
		context.AfterFunc(one.ctx, func() {
			defer s.leave(one, d)
			d.shut(d.die, nil, false)
		})
		return
	}
	defer s.leave(one, d)
	close(one.ready)
	if err != nil {
		return
	}
	if err := d.serve(one.ctx); err != nil {
		o.Log.Warn("a session ended", "upstream", o.Upstream, "error", err)
	}
}

// start opens the door; a panic there is its failure.
func (s *doors) start(one *session, o Options, open opener) (d *door, err error) {
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, s.failed(p)
		}
	}()
	select {
	case s.starting <- struct{}{}:
		defer func() { <-s.starting }()
	case <-one.ctx.Done():
		return nil, errShutdown
	}
	return open(o)
}

// failed records a panic that belongs to no door.
func (s *doors) failed(p any) error {
	err := panicked(p)
	d := s.away.refuse(turned{}, err)
	s.o.Log.Error("the gateway failed", "upstream", s.o.Door.Upstream, "code", d.Code)
	return err
}

// session returns the door of a session if it is that of who asks, and a function
// to call when the request has ended.
func (s *doors) session(id, principal, proved string) (*session, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.all[id]
	if d == nil || !closed(d.ready) || d.failed != nil || d.principal != principal || d.proved != proved {
		return nil, nil
	}
	return d, s.enter(d)
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
	d.shared, d.many = shared, true
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
