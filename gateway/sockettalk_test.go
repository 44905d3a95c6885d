package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// talk is a client by WebSocket.
type talk struct {
	t    *testing.T
	conn *websocket.Conn
}

func bySocket(o *HTTPOptions, _ *site) { o.WebSocket = true }

// dial asks for a WebSocket and returns the status of the answer too; fields are
// as in request.
func (w *web) dial(fields ...string) (*talk, int, error) {
	h := http.Header{}
	o := &websocket.DialOptions{Subprotocols: []string{"mcp"}, HTTPHeader: h, HTTPClient: w.client}
	for i := 0; i < len(fields); i += 2 {
		switch {
		case fields[i] == "Host":
			o.Host = fields[i+1]
		case fields[i] == "Protocol" && fields[i+1] == "-":
			o.Subprotocols = nil
		case fields[i] == "Protocol":
			o.Subprotocols = []string{fields[i+1]}
		default:
			h.Set(fields[i], fields[i+1])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, strings.Replace(w.url, "http", "ws", 1), o)
	status := 0
	if resp != nil {
		status = resp.StatusCode
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
	}
	if err != nil {
		return nil, status, err
	}
	conn.SetReadLimit(1 << 20)
	w.t.Cleanup(func() { conn.CloseNow() })
	return &talk{w.t.(*testing.T), conn}, status, nil
}

func (w *web) talk(fields ...string) *talk {
	w.t.Helper()
	c, status, err := w.dial(fields...)
	if err != nil {
		w.t.Fatalf("%d %v", status, err)
	}
	return c
}

func (c *talk) send(messages ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, m := range messages {
		if err := c.conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *talk) want(parts ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kind, got, err := c.conn.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		c.t.Fatalf("%v %v", kind, err)
	}
	return has(c.t, string(got), parts...)
}

// closed waits for the end of the connection.
func (c *talk) closed() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, _, err := c.conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				c.t.Fatal("the connection stays open")
			}
			return websocket.CloseStatus(err)
		}
	}
}

func (c *talk) shaken() *talk {
	c.t.Helper()
	c.send(initialize)
	c.want(`"id":0`, `"result"`)
	c.send(initialized)
	return c
}
