package egress

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Peers judges who answers over TLS beside what certificates prove: before anything is
// said to them, and as long as there are connections to them. Both are called by many
// goroutines at once.
type Peers struct {
	// Meet names who answers. An error ends the TLS handshake.
	Meet func(ctx context.Context, state *tls.ConnectionState) (name string, err error)
	// Left says why nothing may run any more with whom Meet gave this name; nil where it
	// may. It is asked before each request, and about twice a second while one runs. The
	// connections are closed and what runs on them ends with why. Where err says that it
	// cannot be told, the request is not sent, and what runs goes on.
	Left func(ctx context.Context, name string) (why, err error)
}

// reviewEvery is how often who is spoken to is judged while something runs.
const reviewEvery = 500 * time.Millisecond

// pools have connections of one kind each.
type pools struct {
	inner   *http.Transport
	streams *http.Transport // for what lasts
}

func (p *pools) close() {
	p.inner.CloseIdleConnections()
	p.streams.CloseIdleConnections()
}

// peers are the connections of one transport by who answers there.
type peers struct {
	Peers
	fresh func() *pools

	mu      sync.Mutex
	now     *pools
	live    map[string]map[*peerConn]bool
	running int
	timer   *time.Timer
	armed   bool
}

func newPeers(o Peers, fresh func(*peers) *pools) *peers {
	p := &peers{Peers: o, live: map[string]map[*peerConn]bool{}}
	p.fresh = func() *pools { return fresh(p) }
	p.now = p.fresh()
	p.timer = time.AfterFunc(time.Hour, p.watch)
	p.timer.Stop()
	return p
}

// pools are those for the next request.
func (p *peers) pools() *pools {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// review ends the connections to those whom nothing may be said to any more. What is
// sent from then on goes by new ones: a pool may offer a connection yet that has ended.
func (p *peers) review(ctx context.Context) error {
	var some [4]string
	p.mu.Lock()
	names := slices.AppendSeq(some[:0], maps.Keys(p.live))
	p.mu.Unlock()
	for _, name := range names {
		why, err := p.Left(ctx, name)
		if err != nil {
			return err
		}
		if why != nil {
			p.leave(name, why)
		}
	}
	return nil
}

func (p *peers) leave(name string, why error) {
	p.mu.Lock()
	old, conns := p.now, p.live[name]
	delete(p.live, name)
	if len(conns) > 0 {
		p.now = p.fresh()
	}
	p.mu.Unlock()
	if len(conns) == 0 {
		return
	}
	for c := range conns {
		c.end(why)
	}
	old.close()
}

// begin counts a request that runs, until the end that it returns.
func (p *peers) begin() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running++
	if !p.armed {
		p.armed = true
		p.timer.Reset(reviewEvery)
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
	})
}

// watch judges while something runs. Without anything it sleeps, since the next request
// is judged before it is sent.
func (p *peers) watch() {
	p.mu.Lock()
	if p.armed = p.running > 0; !p.armed {
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	ctx, done := context.WithTimeout(context.Background(), tlsHandshake)
	defer done()
	_ = p.review(ctx) // what cannot be told ends nothing, and is asked again
	p.timer.Reset(reviewEvery)
}

func (p *peers) add(name string, c *peerConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live[name] == nil {
		p.live[name] = map[*peerConn]bool{}
	}
	p.live[name][c] = true
}

func (p *peers) remove(c *peerConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, conns := range p.live {
		if delete(conns, c); len(conns) == 0 {
			delete(p.live, name)
		}
	}
}

// ending is the body of an answer that runs as long as it is read.
type ending struct {
	io.ReadCloser
	end func()
}

// Read implements [io.Reader].
func (e *ending) Read(b []byte) (int, error) {
	n, err := e.ReadCloser.Read(b)
	if err != nil {
		e.end()
	}
	return n, err
}

// Close implements [io.Closer].
func (e *ending) Close() error {
	e.end()
	return e.ReadCloser.Close()
}
