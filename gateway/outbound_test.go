package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// hangUp closes the connection without an answer, after everything was read.
func hangUp(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		c.Close()
	}
}

// A call that the server may have read is never sent again, on a new connection or
// on one that served before; a list is.
func TestOnlyReadsAreSentAgain(t *testing.T) {
	for _, c := range []struct {
		method, params string
		warm           bool
		times          int
	}{
		{"tools/call", `{"name":"read","arguments":{}}`, false, 1},
		{"tools/call", `{"name":"read","arguments":{}}`, true, 1},
		{"resources/read", `{"uri":"x:y"}`, true, 1},
		{"tools/list", `{}`, true, attempts},
		{"prompts/list", `{}`, false, attempts},
	} {
		t.Run(fmt.Sprintf("%s warm=%t", c.method, c.warm), func(t *testing.T) {
			var times atomic.Int32
			var fails atomic.Bool
			w := openWeb(t, policy.Options{}, func(o *HTTPOptions, s *site) {
				inner := s.Config.Handler
				s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !fails.Load() || r.Method != http.MethodPost {
						inner.ServeHTTP(w, r)
						return
					}
					body, _ := io.ReadAll(r.Body)
					if strings.Contains(string(body), `"id":77,`) {
						times.Add(1)
					}
					hangUp(w)
				})
			})
			id := w.session()
			w.post(`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"read","arguments":{}}}`, "Mcp-Session-Id", id).want(t, 200, "done")
			if !c.warm {
				w.endpoint.o.Door.Remote.Client.CloseIdleConnections()
			}
			fails.Store(true)
			got := w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":77,"method":"%s","params":%s}`, c.method, c.params), "Mcp-Session-Id", id)
			has(t, got.body, "gateway_upstream", "whether the call took effect is unknown")
			if n := int(times.Load()); n != c.times {
				t.Errorf("it was sent %d times, want %d", n, c.times)
			}
		})
	}
}

// refusing fails to connect as often as it is told.
type refusing struct {
	inner http.RoundTripper
	left  atomic.Int32
	tried atomic.Int32
}

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	r.tried.Add(1)
	if r.left.Add(-1) >= 0 {
		return nil, &ostiary.Error{Code: ostiary.CodeEgressUnreachable, Message: "no connection"}
	}
	return r.inner.RoundTrip(req)
}

// What was never sent may be sent again, whatever it is; what the door itself does
// not want to reach is not tried again.
func TestUnsentIsSentAgain(t *testing.T) {
	w, r := refusingWeb(t, nil)
	id := w.session()
	call := func(n int) reply {
		return w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read","arguments":{}}}`, n), "Mcp-Session-Id", id)
	}
	r.left.Store(attempts - 1)
	call(2).want(t, 200, "done")
	r.left.Store(attempts)
	r.tried.Store(0)
	has(t, call(3).body, "egress_unreachable")
	if n := r.tried.Load(); n != attempts {
		t.Errorf("tried %d times", n)
	}
}

func refusingWeb(t *testing.T, b *Breaker) (*web, *refusing) {
	r := &refusing{}
	w := openWeb(t, policy.Options{}, func(o *HTTPOptions, s *site) {
		r.inner = o.Door.Remote.Client.Transport
		o.Door.Remote.Client.Transport = r
		o.Door.Remote.Breaker = b
	})
	return w, r
}

func (r *refusing) CloseIdleConnections() {
	r.inner.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// The breaker of a server opens, says when to come back, and closes again.
func TestServerIsLeftAlone(t *testing.T) {
	b, forward, said := breaking()
	var mu sync.Mutex
	now := b.o.Now
	b.o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now() }
	status := http.StatusBadGateway
	var calls atomic.Int32
	w := openWeb(t, policy.Options{}, func(o *HTTPOptions, s *site) {
		o.Door.Remote.Breaker = b
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			calls.Add(1)
			if status == http.StatusOK {
				sayJSON(w, answer(string(m.ID), "done"))
				return
			}
			w.WriteHeader(status)
		}
	})
	id, n := w.session(), 10
	call := func() reply {
		n++
		return w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read","arguments":{}}}`, n), "Mcp-Session-Id", id)
	}
	for _, s := range []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusTooManyRequests} {
		status = s // a server that answers is there
		if s == http.StatusNotFound {
			continue // it ends the session
		}
		for range 4 {
			call()
		}
	}
	if b.State() != BreakerClosed {
		t.Fatal("refusals of the server open it")
	}
	status = http.StatusBadGateway
	for range 3 {
		has(t, call().body, "gateway_upstream")
	}
	before := calls.Load()
	has(t, call().body, "gateway_circuit", "try again in 10s", `"retryAfter":10`)
	if calls.Load() != before {
		t.Error("the server was asked all the same")
	}
	status = http.StatusOK
	mu.Lock()
	forward(10 * time.Second)
	mu.Unlock()
	call().want(t, 200, "done")
	if said() != "open 3;closed 3;" {
		t.Error(said())
	}
}

// A credential that the server refuses is renewed once, and the call sent again
// with the new one only; what stays refused is the operator's matter.
func TestRefusedCredentialIsRenewed(t *testing.T) {
	var current, accepted atomic.Value
	current.Store("old")
	accepted.Store("new")
	var renewals, calls atomic.Int32
	w := openWeb(t, policy.Options{}, func(o *HTTPOptions, s *site) {
		inner := s.Config.Handler
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("X-Key"); got != accepted.Load() {
				io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if r.Method == http.MethodPost {
				calls.Add(1)
			}
			inner.ServeHTTP(w, r)
		})
		o.Door.Remote.Header = func(_ context.Context, who string) (http.Header, error) {
			if who != "alice" {
				return nil, errors.New("who is " + who)
			}
			return http.Header{"X-Key": {current.Load().(string)}}, nil
		}
		o.Door.Remote.Renew = func(_ context.Context, _ string, refused http.Header) bool {
			renewals.Add(1)
			before := current.Swap("new")
			return before != "new" && refused.Get("X-Key") == before
		}
	})
	id := w.session()
	if n := renewals.Load(); n != 1 {
		t.Errorf("renewed %d times", n)
	}
	call := func(n int) reply {
		return w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read","arguments":{}}}`, n), "Mcp-Session-Id", id)
	}
	call(2).want(t, 200, "done")
	accepted.Store("nothing")
	before := calls.Load()
	has(t, call(3).body, "gateway_upstream", "credential")
	if renewals.Load() != 2 || calls.Load() != before {
		t.Errorf("%d renewals", renewals.Load())
	}
	accepted.Store("new")
}

// A server over HTTP/2 that reads a call and then speaks of a broken protocol:
// net/http would send it again by itself.
func TestHTTP2SendsNothingAgain(t *testing.T) {
	for _, guarded := range []bool{false, true} {
		var posts atomic.Int32
		url, client := resetting(t, &posts)
		r := newRemote(&door{}, Remote{URL: url, Client: client})
		if guarded {
			resp, err := r.do(t.Context(), exchange{method: http.MethodPost, body: []byte(`{"a":1}`), fill: func(http.Header) {}})
			if err == nil {
				resp.Body.Close()
				t.Error("the call was answered")
			}
		} else {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"a":1}`))
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
			}
			cancel()
		}
		if n := posts.Load(); guarded && n != 1 || !guarded && n < 2 {
			t.Errorf("guarded %t: the server got it %d times", guarded, n)
		}
	}
}

// resetting speaks just enough HTTP/2 to read a request whole and to end its
// stream with PROTOCOL_ERROR.
func resetting(t *testing.T, posts *atomic.Int32) (string, *http.Client) {
	s := httptest.NewUnstartedServer(nil)
	s.EnableHTTP2 = true
	s.StartTLS() // for its certificate and client
	t.Cleanup(s.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveResets(c, posts)
		}
	}()
	client := s.Client()
	t.Cleanup(client.CloseIdleConnections)
	return "https://" + l.Addr().String(), client
}

func serveResets(c net.Conn, posts *atomic.Int32) {
	defer c.Close()
	frame := func(kind, flags byte, stream uint32, payload []byte) {
		head := make([]byte, 9)
		head[0], head[1], head[2] = 0, byte(len(payload)>>8), byte(len(payload))
		head[3], head[4] = kind, flags
		binary.BigEndian.PutUint32(head[5:], stream)
		c.Write(append(head, payload...))
	}
	r := bufio.NewReader(c)
	if _, err := r.Discard(24); err != nil { // the preface
		return
	}
	frame(4, 0, 0, nil) // SETTINGS
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		if _, err := r.Discard(int(head[0])<<16 | int(head[1])<<8 | int(head[2])); err != nil {
			return
		}
		stream := binary.BigEndian.Uint32(head[5:])
		switch {
		case head[3] == 4 && head[4] == 0:
			frame(4, 1, 0, nil) // it acknowledges the client's
		case (head[3] == 0 || head[3] == 1) && head[4]&1 != 0: // END_STREAM
			posts.Add(1)
			frame(3, 0, stream, []byte{0, 0, 0, 1}) // RST_STREAM, PROTOCOL_ERROR
		}
	}
}
