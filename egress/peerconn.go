package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
)

// peerConn is a connection under TLS, which can be ended with a reason.
type peerConn struct {
	net.Conn
	of    *peers
	ended atomic.Pointer[error]
}

var errLateHandshake = errors.New("the TLS handshake took too long")

// dialTLS connects and makes the TLS handshake, in which who answers is judged. It
// begins as that of [http.Transport] does.
func (p *peers) dialTLS(ctx context.Context, d *Dialer, config *tls.Config, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, badHost("has no port")
	}
	raw, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &peerConn{Conn: raw, of: p}
	limited, stop := context.WithTimeout(ctx, min(tlsHandshake, d.o.Timeout))
	defer stop()
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	before := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if before != nil {
			if err := before(state); err != nil {
				return err
			}
		}
		name, err := p.Meet(limited, &state)
		if err == nil {
			p.add(name, c)
		}
		return err
	}
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(limited); err != nil {
		_ = c.Close()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = errLateHandshake
		}
		return nil, err
	}
	return secure, nil
}

// end closes the connection; what reads or writes there gets why.
func (c *peerConn) end(why error) {
	c.ended.CompareAndSwap(nil, &why)
	_ = c.Close()
}

func (c *peerConn) because(err error) error {
	if why := c.ended.Load(); err != nil && why != nil {
		return *why
	}
	return err
}

// Read implements [net.Conn].
func (c *peerConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.because(err)
}

// Write implements [net.Conn].
func (c *peerConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.because(err)
}

// Close implements [net.Conn].
func (c *peerConn) Close() error {
	c.of.remove(c)
	return c.Conn.Close()
}
