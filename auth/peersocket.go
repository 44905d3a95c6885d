package auth

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/nonblock"
)

// Socket are the callers of a Unix socket, whom the kernel names. It is the
// net.Listener of a server and tells of each of its requests who sends it. It is
// used by many goroutines at once.
type Socket struct {
	net.Listener
	entries []Entry
	proc    string

	mu   sync.Mutex
	last uint64
	open map[string]*socketConn
	of   map[string]int // connections of each user id
}

// NewSocket makes the callers of a socket. entries are those of Stdio, with the
// same meaning; proc is the mounted proc file system, "/proc".
func NewSocket(l *net.UnixListener, entries []Entry, proc string) *Socket {
	return &Socket{Listener: l, entries: entries, proc: proc, open: map[string]*socketConn{}, of: map[string]int{}}
}

// maxSocketConns is how many connections one user may have, so that none takes
// those of the others.
const maxSocketConns = 512

// socketConn is a connection and who made it, as the kernel knew when it was made.
//
// net/http hands its handlers the RemoteAddr of a connection, and nothing else of
// it that no context carries. So each connection has a number of its own for an
// address, and the number leads back to it. No request can set it.
type socketConn struct {
	net.Conn
	s       *Socket
	at      socketAddr
	uid     string
	who     ostiary.Principal
	session string
	err     error
	once    sync.Once
}

// socketAddr is the number of a connection.
type socketAddr string

// Network implements net.Addr.
func (socketAddr) Network() string { return "unix" }

// String implements net.Addr.
func (a socketAddr) String() string { return string(a) }

// RemoteAddr implements net.Conn.
func (c *socketConn) RemoteAddr() net.Addr { return c.at }

// Close implements net.Conn.
func (c *socketConn) Close() error {
	c.once.Do(func() {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		delete(c.s.open, string(c.at))
		if c.s.of[c.uid]--; c.s.of[c.uid] <= 0 {
			delete(c.s.of, c.uid)
		}
	})
	return c.Conn.Close()
}

// Accept implements net.Listener. Who could not be identified gets a connection
// too, so that the refusal is said and recorded.
func (s *Socket) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := s.admit(conn); c != nil {
			return c, nil
		}
		_ = conn.Close() // nothing was said
	}
}

// admit asks the kernel for the peer; nil is one connection too many.
func (s *Socket) admit(conn net.Conn) *socketConn {
	c := &socketConn{Conn: nonblock.Conn(conn), s: s}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	peer, err := SocketPeer(unix, s.proc)
	if c.err = err; err == nil {
		c.uid, c.session = peer.UID, peer.Session
		if c.who, err = principal(s.entries, peer); err != nil {
			c.err = misnamed(err)
		}
		c.who.Apart = otherUser(peer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[c.uid] >= maxSocketConns {
		return nil
	}
	s.last++
	c.at = socketAddr(socketPrefix + strconv.FormatUint(s.last, 10))
	s.open[string(c.at)], s.of[c.uid] = c, s.of[c.uid]+1
	return c
}

// Has reports whether a request came by a socket, whether or not its connection
// is still there.
func (s *Socket) Has(r *http.Request) bool {
	return s != nil && strings.HasPrefix(r.RemoteAddr, socketPrefix)
}

// socketPrefix begins no address of another network.
const socketPrefix = "unix:"

// Address names where a request comes from, for limits and records before anybody
// asks who sends it: its user. It is "" if the system does not tell.
func (s *Socket) Address(r *http.Request) string {
	if c := s.conn(r); c != nil && c.uid != "" {
		return "uid:" + c.uid
	}
	return ""
}

func (s *Socket) conn(r *http.Request) *socketConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[r.RemoteAddr]
}

// Authenticate says who sends a request, and in which session, as
// [Authenticator.Authenticate] does over TCP. A token beside it is refused:
// exactly one credential stands for a request, and here it is the kernel's word.
func (s *Socket) Authenticate(r *http.Request) (ostiary.Principal, string, error) {
	c := s.conn(r)
	switch {
	case c == nil:
		return ostiary.Principal{}, "", refuse(ostiary.CodeAuthNobody, "the connection has ended")
	case c.err != nil:
		return ostiary.Principal{}, "", c.err
	case inURL(r.URL):
		return ostiary.Principal{}, "", refuse(ostiary.CodeAuthQuery, "a credential is in the URL, where logs keep it: this socket needs none, so remove it and replace it")
	case len(r.Header["Authorization"]) > 0:
		return ostiary.Principal{}, "", refuse(ostiary.CodeAuthAmbiguous, "this socket knows its callers by their user, and the request has a header Authorization too: send none here")
	}
	return c.who, c.session, nil
}

func unseen(err error) error {
	return &ostiary.Error{
		Code: ostiary.CodeAuthNobody, Err: err,
		Message: "the operating system does not tell which user and which program connected to this socket, so nobody is let in: connect from the same machine and not from a container of its own",
	}
}

// misnamed is what the caller is told where the file names its user wrongly; the
// rest is for the operator.
func misnamed(err error) error {
	return &ostiary.Error{
		Code: ostiary.CodeAuthNobody, Reason: ostiary.AsError(err).Message,
		Message: "the policy's principals: do not say clearly who this user is: ask the operator to look at them",
	}
}
