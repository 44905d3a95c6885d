package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// hears opens the stream of a session by a connection that the test sees.
func (w *web) hears(session, version string) (net.Conn, *bufio.Reader, *http.Response) {
	w.t.Helper()
	host := strings.TrimPrefix(w.url, "http://")
	c, err := (&net.Dialer{}).DialContext(w.t.Context(), "tcp", host)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET / HTTP/%s\r\nHost: %s\r\nAccept: text/event-stream\r\nMcp-Session-Id: %s\r\n\r\n", version, host, session)
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil) //nolint:bodyclose // the test closes the connection
	if err != nil {
		w.t.Fatal(err)
	}
	return c, in, resp
}

// The stream of a session says all that it should over a connection that net/http has
// given away, and ends whole; over HTTP/1.0, which has no chunks, net/http keeps it.
func TestAStreamOnAConnectionOfItsOwn(t *testing.T) {
	for _, version := range []string{"1.1", "1.0"} {
		said := make(chan string)
		w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) {
			s.own = func(w http.ResponseWriter, r *http.Request) {
				for {
					select {
					case m := <-said:
						fmt.Fprintf(w, "data: %s\n\n", m)
						w.(http.Flusher).Flush()
					case <-r.Context().Done():
						return
					}
				}
			}
		})
		_, in, resp := w.hears(w.session(), version)
		chunked := strings.Join(resp.TransferEncoding, "") == "chunked"
		if resp.StatusCode != 200 || chunked != (version == "1.1") || !resp.Close || resp.Header.Get("Content-Type") != "text/event-stream" ||
			resp.Header.Get("Date") == "" || !strings.Contains(resp.Header.Get("Cache-Control"), "no-cache") {
			t.Errorf("HTTP/%s: %d %v %v %t", version, resp.StatusCode, resp.TransferEncoding, resp.Header, resp.Close)
		}
		next := events(t, resp.Body)
		for i := range 3 {
			said <- fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"n":%d}}`, i)
			has(t, next(), fmt.Sprintf(`"n":%d`, i))
		}
		w.endpoint.Close()
		if l := next(); l != "end: EOF" {
			t.Errorf("HTTP/%s: the stream ended with %s", version, l)
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("behind the end: %q", rest)
		}
		resp.Body.Close()
	}
}

// Who goes away gives back the place of the stream, which has no handler any more that
// would see it.
func TestAListenerThatLeaves(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) { o.Capacity = &Capacity{Streams: 1} })
	id := w.session()
	for range 3 {
		c, _, resp := w.hears(id, "1.1")
		if resp.StatusCode != 200 {
			t.Fatalf("the stream: %d", resp.StatusCode)
		}
		r := got(t, w.behind.streams, "the stream of the server")
		if status, _, _ := w.stream(id); status == 200 {
			t.Error("a second stream has a place")
		}
		c.Close()
		resp.Body.Close()
		got(t, r.Context().Done(), "the end of the server's stream")
		until(t, func() bool { return w.streams() == 0 })
	}
}

func (w *web) streams() int {
	c := w.endpoint.o.Capacity
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams
}

// A client that is not there any more ends its stream with the first write that fails,
// and nothing is written behind what was cut off.
func TestOwnWriter(t *testing.T) {
	here, there := net.Pipe()
	ended := 0
	w := &ownWriter{conn: here, header: http.Header{"X": {"a\r\nb: c"}}, fails: func() { ended++ }}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(there)
		read <- string(b)
	}()
	for _, s := range []string{"one", "", "data: two\n\n"} {
		if n, err := w.Write([]byte(s)); err != nil || n != len(s) {
			t.Errorf("%q: %d, %v", s, n, err)
		}
	}
	w.end()
	text := <-read
	if !strings.HasSuffix(text, "\r\n\r\n3\r\none\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n") || strings.Contains(text, "\r\nb: c") || ended != 0 {
		t.Errorf("%q", text)
	}
	here, there = net.Pipe()
	there.Close()
	w = &ownWriter{conn: here, header: http.Header{}, fails: func() { ended++ }}
	if _, err := w.Write([]byte("x")); err == nil || ended != 1 || w.FlushError() == nil {
		t.Errorf("%v, ended %d times", err, ended)
	}
	w.end()
}

func TestCapacitySaysThatItGrows(t *testing.T) {
	calls := 0
	c := &Capacity{Grown: func() { calls++ }}
	for range 1000 {
		c.session()
	}
	if calls < 5 || calls > 1000/grownLeast {
		t.Errorf("%d calls while 1,000 sessions were opened", calls)
	}
	before := calls
	for range 1000 {
		c.endSession()
		c.session()
	}
	if calls != before {
		t.Error("sessions that replace others are growth")
	}
}

// A client that reads nothing keeps no stream: what begins it has its time too.
func TestAListenerThatReadsNothing(t *testing.T) {
	client, conn := net.Pipe() // holds nothing
	defer client.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &ownWriter{conn: conn, header: http.Header{}, fails: func() {}}
	s := newStream(w, r, ostiary.Principal{}, "", time.Millisecond)
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		s.begin()
		w.end()
	}()
	select {
	case <-begun:
	case <-time.After(5 * time.Second):
		t.Fatal("the header is written without a time")
	}
	if !w.failed {
		t.Error("control: somebody read")
	}
	select {
	case <-s.over:
	default:
		t.Error("the stream stays open until there is something to say")
	}
}
