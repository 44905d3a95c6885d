package gateway

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"github.com/ostiary/ostiary"
)

// upgrades reports whether a request asks for a WebSocket.
func upgrades(r *http.Request) bool {
	return r.Method == http.MethodGet && hasEntry(r.Header, "Upgrade", "websocket")
}

// hasEntry reports whether a field that is a list has an entry.
func hasEntry(h http.Header, name, want string) bool {
	for _, v := range h.Values(name) {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), want) {
				return true
			}
		}
	}
	return false
}

// socket takes a client by WebSocket: one message a text frame, one door for the
// connection, as over stdio. Who calls was proved by the request that asks for it,
// and holds as long as that proof counts. Any page may open a WebSocket to any
// host with what the browser knows of it, so its origin is judged here too.
func (v *visit) socket() {
	switch {
	case !v.e.o.WebSocket:
		v.turn(http.StatusNotImplemented, "WebSocket is not switched on here: use streamable HTTP, or ask the operator for serve.websocket")
	case v.r.ProtoMajor != 1:
		v.turn(http.StatusHTTPVersionNotSupported, "a WebSocket begins with HTTP/1.1")
	case !v.e.o.Pages.from(v.r):
		d := v.e.doors.away.refuse(v.turned(nil), &ostiary.Error{Code: ostiary.CodeGatewayHost,
			Message: "pages of that origin may not call this server: the operator lists those that may"})
		http.Error(v.w, d.Message, http.StatusForbidden)
	case !hasEntry(v.r.Header, "Sec-Websocket-Protocol", subprotocol):
		v.turn(http.StatusBadRequest, "ask for the subprotocol mcp: each text frame is one JSON-RPC message")
	default:
		v.converse()
	}
}

// converse opens the door and then the connection, so that a server that does not
// start is said as over HTTP, and stays until both have ended.
func (v *visit) converse() {
	s := newSocket(v)
	plain := newStream(v.w, v.r, v.who, v.address, v.e.o.WriteWait)
	free, err := v.lasting(func(err error) {
		s.because(websocket.StatusPolicyViolation, ostiary.AsError(err).Message)
		s.quit()
	})
	if err != nil {
		v.unavailable(plain, nil, err)
		return
	}
	defer free()
	one, release, err := v.e.doors.connection(v.r.Context(), v.who, v.session, s)
	if err != nil {
		s.fail()
		v.unavailable(plain, nil, err)
		return
	}
	defer release()
	conn, err := websocket.Accept(v.w, v.r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol},
		// The origin was judged above, by the same list as over HTTP.
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived: func(context.Context, []byte) bool {
			return s.pings.allow(v.e.o.Door.Now(), pingsMost)
		},
	})
	if err != nil {
		s.fail()
		v.e.doors.away.refuse(v.turned(nil), httpError("the request for a WebSocket does not keep to RFC 6455"))
	} else {
		conn.SetReadLimit(-1) // read has its own
		s.begin(conn)
	}
	<-one.over
}

// connection opens the door of one connection.
func (s *doors) connection(ctx context.Context, who ostiary.Principal, proved string, client *socket) (*session, func(), error) {
	raw := make([]byte, idBytes)
	if _, err := io.ReadFull(s.o.Door.Rand, raw); err != nil {
		return nil, nil, err
	}
	id := "-" + base64.RawURLEncoding.EncodeToString(raw) + " -" // no Mcp-Session-Id has a space
	return s.add(ctx, id, who, proved, func(o Options) (*door, error) { return openSocket(o, client) })
}

// openSocket makes the door of a connection.
func openSocket(o Options, client *socket) (*door, error) {
	d, err := newDoor(o)
	if err != nil {
		return nil, err
	}
	d.many, d.toClient = true, client
	d.read = func(ctx context.Context) error {
		go func() {
			defer d.breaks()
			client.watch(d)
		}()
		return client.read(ctx, d)
	}
	client.quits(d)
	if o.Remote != nil {
		d.remote = newRemote(d, *o.Remote)
		d.toServer = d.remote
		return d, nil
	}
	if err := d.startLocal(o); err != nil {
		return nil, err
	}
	d.toServer = toServerPipe{d.local.outbox, d.unheard}
	d.local = nil // there is one client: ids are its own, as over stdio
	return d, nil
}
