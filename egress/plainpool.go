package egress

import (
	"context"
	"net"
	"net/http"
	"slices"
	"time"
)

// take returns a connection that waits and is still open, or makes one.
func (p *plain) take(ctx context.Context, r *http.Request) (*plainConn, error) {
	address := r.URL.Host
	if r.URL.Port() == "" {
		address = net.JoinHostPort(r.URL.Hostname(), "80")
	}
	for {
		c := p.pop(address)
		if c == nil {
			break
		}
		if quiet(c.Conn) {
			return c, nil
		}
		_ = c.Close()
	}
	// Resolving and connecting go deep; on a goroutine of its own that stack is not
	// kept by an answer that lasts.
	type dialled struct {
		conn net.Conn
		err  error
	}
	got := make(chan dialled, 1)
	go func() {
		conn, err := p.dial(ctx, "tcp", address)
		got <- dialled{conn, err}
	}()
	d := <-got // dial ends with ctx
	if d.err != nil {
		return nil, d.err
	}
	return &plainConn{Conn: d.conn, address: address}, nil
}

func (p *plain) pop(address string) *plainConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.idle[address]
	if len(all) == 0 {
		return nil
	}
	c := all[len(all)-1]
	all[len(all)-1] = nil
	p.idle[address] = all[:len(all)-1]
	return c
}

// give lets a connection wait for the next request.
func (p *plain) give(c *plainConn) {
	c.used, c.since = true, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle[c.address]) >= idlePerHost {
		_ = c.Close()
		return
	}
	if p.idle == nil {
		p.idle = map[string][]*plainConn{}
	}
	p.idle[c.address] = append(p.idle[c.address], c)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTimeout, func() { p.expire(time.Now().Add(-idleTimeout)) })
	}
}

// expire closes what has waited since then.
func (p *plain) expire(then time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Duration(0)
	for address, all := range p.idle {
		n := slices.IndexFunc(all, func(c *plainConn) bool { return c.since.After(then) })
		if n < 0 {
			n = len(all)
		}
		for _, c := range all[:n] {
			_ = c.Close()
		}
		if p.idle[address] = slices.Delete(all, 0, n); len(p.idle[address]) == 0 {
			delete(p.idle, address)
			continue
		}
		left = max(left, p.idle[address][0].since.Sub(then))
	}
	p.timer = nil
	if left > 0 {
		p.timer = time.AfterFunc(left, func() { p.expire(time.Now().Add(-idleTimeout)) })
	}
}

// close closes what waits.
func (p *plain) close() {
	p.mu.Lock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.expire(time.Now())
}
