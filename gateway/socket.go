package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// subprotocol is what a client must ask for at the upgrade: a page that opens a
// WebSocket for something else does not get to a server by accident.
const subprotocol = "mcp"

const (
	// pingEvery is how often the door looks whether the client is still there.
	pingEvery = 20 * time.Second
	// pingsMost is how many pings of the client are answered in a second.
	pingsMost = 10
)

// socket is the client's end over WebSocket. What is written goes straight to the
// client: one that does not read slows down its own server, and is cut off after
// the time of one write.
type socket struct {
	v    *visit
	ends context.Context // with the connection
	end  context.CancelFunc

	ready chan struct{} // closed when conn is set, or there will be none
	conn  *websocket.Conn

	mu     sync.Mutex
	code   websocket.StatusCode // with which the door closes; 0 until it does
	reason string
	door   *door // nil until there is one
	over   bool  // it is to end

	used  atomic.Int64 // nanoseconds since the epoch of the last message
	pings pace
}

var _ clientEnd = (*socket)(nil)

func newSocket(v *visit) *socket {
	s := &socket{v: v, ready: make(chan struct{})}
	s.ends, s.end = context.WithCancel(context.Background())
	return s
}

// begin says that the connection is there.
func (s *socket) begin(conn *websocket.Conn) {
	s.conn = conn
	s.use()
	close(s.ready)
}

// fail says that there will be none.
func (s *socket) fail() {
	s.end()
	close(s.ready)
}

// open waits for the connection; nil if there is none any more.
func (s *socket) open(ctx context.Context) *websocket.Conn {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil
	}
	if s.ends.Err() != nil {
		return nil
	}
	return s.conn
}

func (s *socket) use() { s.used.Store(s.v.e.o.Door.Now().UnixNano()) }

// errSocketGone says that the client cannot be told any more.
var errSocketGone = errors.New("the client's connection has ended")

// send implements clientEnd: it waits while the client does not read, but not
// longer than one write may take.
func (s *socket) send(ctx context.Context, _ *stream, message []byte) error {
	conn := s.open(ctx)
	if conn == nil {
		return errSocketGone
	}
	s.use()
	limited, cancel := context.WithTimeout(s.ends, s.v.e.o.WriteWait)
	defer cancel()
	err := conn.Write(limited, websocket.MessageText, message)
	if err != nil {
		s.end() // a message that went out in part cannot be taken back
	}
	return err
}

func (s *socket) sendNow(on *stream, message []byte) error {
	return s.send(context.Background(), on, message)
}

func (s *socket) answer(ctx context.Context, on *stream, message []byte) error {
	return s.send(ctx, on, message)
}

func (s *socket) answerNow(on *stream, message []byte) error { return s.sendNow(on, message) }

// because notes with what the connection is to be closed; the first reason counts.
func (s *socket) because(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code == 0 {
		s.code, s.reason = code, reason[:min(len(reason), 120)]
	}
}

// finish closes the connection and waits for the client's word, at most so long.
func (s *socket) finish(patience time.Duration) {
	defer s.end()
	select {
	case <-s.ready:
	default: // it will not begin any more
		return
	}
	if s.conn == nil {
		return
	}
	s.because(websocket.StatusGoingAway, "the door closes")
	impatient := time.AfterFunc(patience, s.end)
	defer impatient.Stop()
	_ = s.conn.Close(s.code, s.reason) // the client may have gone
}

// quits says which door ends with the connection.
func (s *socket) quits(d *door) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.door = d
	if s.over {
		d.closeFor(errShutdown)
	}
}

// quit has the door close, and with it the connection.
func (s *socket) quit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.door != nil {
		s.door.closeFor(errShutdown)
	}
}

// watch pings the client, and ends a connection that nobody uses or that the
// client has left without a word.
func (s *socket) watch(d *door) {
	conn := s.open(s.ends)
	if conn == nil {
		return
	}
	o := &s.v.e.o
	tick := time.NewTicker(min(pingEvery, max(o.IdleSession/2, 10*time.Millisecond)))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ends.Done():
			return
		}
		idle := o.Door.Now().Sub(time.Unix(0, s.used.Load()))
		if idle >= o.IdleSession && d.down.empty() {
			s.because(websocket.StatusGoingAway, "nobody has used this connection for its time")
			s.quit()
			return
		}
		ctx, cancel := context.WithTimeout(s.ends, o.WriteWait)
		err := conn.Ping(ctx)
		cancel()
		if err != nil {
			s.end()
			return
		}
	}
}
