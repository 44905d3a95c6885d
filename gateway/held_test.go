package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// TestSlowReadersHoldABoundedAmount lets many clients of one principal ask for long
// answers and read none: what is on its way stays below its bound, and the rest
// waits at the server. Once they have gone, a client that reads gets its answer.
func TestSlowReadersHoldABoundedAmount(t *testing.T) {
	const (
		long    = 512 << 10 // more than the buffers of both sockets take
		clients = 12
		most    = 2*long + long/2
	)
	asked := make(chan struct{}, 2*clients)
	text := strings.Repeat("z", long)
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		o.Door.Limits.MaxBytes = 2 * long
		o.WriteWait = patience
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			body := answer(string(m.ID), text)
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			asked <- struct{}{}
			sayJSON(w, body)
		}
	})
	front := httptest.NewUnstartedServer(w.endpoint)
	front.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10) // else the test is slower
		}
	}
	front.Start()
	defer front.Close()
	h := w.endpoint.doors.held
	h.most = most
	body := modernRead("1", "read", "{}")
	var all []net.Conn
	for range clients {
		conn, err := net.Dial("tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, rawHead(fmt.Sprintf("Content-Length: %d", len(body)))+body); err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	for range clients {
		got(t, asked, "a call at the server")
	}
	// Two answers are on their way, and the others wait.
	on := func() (answered int, waits bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		a := h.of["alice"]
		if a == nil {
			return 0, false
		}
		return a.answered, a.freed != nil
	}
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	end := time.After(patience)
	for full := 0; full < 50; {
		select {
		case <-look.C:
		case <-end:
			answered, waits := on()
			t.Fatalf("%d bytes of answers are on their way, others wait: %t", answered, waits)
		}
		answered, waits := on()
		if answered > most {
			t.Fatalf("%d bytes of answers are on their way, more than %d", answered, most)
		}
		if answered > long && waits {
			full++
		}
	}
	for _, c := range all {
		c.Close()
	}
	h.mu.Lock()
	h.most = clients * 2 * long
	h.mu.Unlock()
	if r := w.post(body, modernFields("read")...).want(t, 200); strings.Count(r.body, "z") != long {
		t.Errorf("the control got %d bytes", len(r.body))
	}
}

// TestRequestsOnTheirWayAreBounded refuses requests of a principal with too much on
// its way, before their bodies are read, and lets those of others pass.
func TestRequestsOnTheirWayAreBounded(t *testing.T) {
	goOn := make(chan struct{})
	asked := make(chan struct{}, 8)
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			asked <- struct{}{}
			<-goOn
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	w.endpoint.doors.held.most = 40 << 10
	body := modernRead("1", "read", `{"x":"`+strings.Repeat("x", 30<<10)+`"}`)
	first := make(chan reply, 1)
	go func() { first <- w.post(body, modernFields("read")...) }()
	got(t, asked, "the first call at the server")
	w.post(body, modernFields("read")...).want(t, http.StatusTooManyRequests, "read the answers")
	w.recorded(is{code: string(ostiary.CodeLimitConcurrency)})
	unsaid := w.request(t.Context(), http.MethodPost, body, modernFields("read")...)
	unsaid.ContentLength = -1
	w.do(unsaid).want(t, http.StatusTooManyRequests, "read the answers")
	others := make(chan reply, 1)
	go func() { others <- w.post(body, modernFields("read", "Who", "bob")...) }()
	got(t, asked, "somebody else's call at the server")
	close(goOn)
	got(t, first, "the first answer").want(t, 200, "done")
	got(t, others, "the other's answer").want(t, 200, "done")
	w.post(body, modernFields("read")...).want(t, 200, "done")
	unsaid = w.request(t.Context(), http.MethodPost, body, modernFields("read")...)
	unsaid.ContentLength = -1
	w.do(unsaid).want(t, 200, "done")
	if n := len(w.endpoint.doors.held.of); n != 0 {
		t.Errorf("%d accounts are left", n)
	}
}

// TestShares: an answer that is longer than the bound passes alone, and one that
// waits ends with its request.
func TestShares(t *testing.T) {
	h := &held{of: map[string]*account{}, most: 10}
	one, err := h.open("a", 6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.open("a", 5); !errors.Is(err, ostiary.CodeLimitConcurrency) {
		t.Errorf("a second one gave %v", err)
	}
	two, err := h.open("a", 4)
	if err != nil {
		t.Fatal(err)
	}
	one.answer(context.Background(), 20)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	two.answer(ctx, 1)
	if two.answered != 0 {
		t.Error("an answer has room that is not there")
	}
	one.close()
	two.answer(context.Background(), 1)
	two.came(3)
	if two.answered != 3 || two.a.answered != 3 {
		t.Errorf("%d bytes of %d came", two.answered, two.a.answered)
	}
	two.close()
	if len(h.of) != 0 {
		t.Errorf("left are %v", h.of)
	}
	(*share)(nil).answer(context.Background(), 1) // over stdio
	(*share)(nil).came(1)
}
