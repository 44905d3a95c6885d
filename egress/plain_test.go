package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// rawSite answers as it is told, connection by connection.
type rawSite struct {
	url   string
	conns atomic.Int64
}

// newRawSite serves each connection with say, which gets its number from 1.
func newRawSite(t *testing.T, say func(n int64, in *bufio.Reader, c net.Conn)) *rawSite {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", allowed+":0")
	if err != nil {
		t.Skipf("no second loopback address here: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	s := &rawSite{url: "http://" + l.Addr().String() + "/mcp"}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				say(s.conns.Add(1), bufio.NewReader(c), c)
			}()
		}
	}()
	return s
}

// asked reads one request whole and returns its body.
func asked(in *bufio.Reader) (*http.Request, string, error) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(r.Body)
	return r, string(b), err
}

func streams(t *testing.T, o Options) *http.Client {
	t.Helper()
	o.Stream = true
	return client(t, o)
}

func post(ctx context.Context, c *http.Client, url, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// One connection serves one request after the other, whatever the form of the answer.
func TestPlainKeepsItsConnection(t *testing.T) {
	s := newRawSite(t, func(_ int64, in *bufio.Reader, c net.Conn) {
		for {
			r, body, err := asked(in)
			if err != nil {
				return
			}
			switch body {
			case "length":
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
			case "chunks":
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n2\r\nes\r\n0\r\n\r\n")
			case "early hints":
				fmt.Fprintf(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
			case "headers":
				text := r.Host + "|" + r.UserAgent() + "|" + r.Header.Get("X-Key") + "|" + r.RequestURI
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
			default:
				fmt.Fprint(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
	c := streams(t, Options{})
	for _, body := range []string{"length", "chunks", "nothing", "early hints", "length"} {
		if status, got, err := post(t.Context(), c, s.url, body); err != nil || body != "nothing" && got != "yes" || body == "nothing" && status != 202 {
			t.Errorf("%s: %d %q %v", body, status, got, err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"?a=b%20c", strings.NewReader("headers"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Key", "secret")
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if want := r.URL.Host + "|Go-http-client/1.1|secret|/mcp?a=b%20c"; string(b) != want {
		t.Errorf("the server saw %q, not %q", b, want)
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// What a server writes behind an answer is nobody's answer: who asks next must not
// get it. A client that takes what stands next in the stream would, as the control
// shows.
func TestPlainTakesNoAnswerThatNobodyAskedFor(t *testing.T) {
	forged := "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
	for _, how := range []string{"with it", "later"} {
		wrote := make(chan struct{}, 8)
		s := newRawSite(t, func(_ int64, in *bufio.Reader, c net.Conn) {
			for {
				if _, _, err := asked(in); err != nil {
					return
				}
				if how == "with it" {
					fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"+forged)
					wrote <- struct{}{}
					continue
				}
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")
				fmt.Fprint(c, forged)
				wrote <- struct{}{}
			}
		})
		control, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/mcp"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(control, "GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n")
		in := bufio.NewReader(control)
		for _, want := range []string{"true", "forged"} {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(b) != want {
				t.Fatalf("the control read %q", b)
			}
		}
		<-wrote
		control.Close()
		c := streams(t, Options{})
		for range 3 {
			if _, got, err := post(t.Context(), c, s.url, "ask"); err != nil || got != "true" {
				t.Errorf("%s: %q, %v", how, got, err)
			}
			<-wrote // what nobody asked for has left
		}
	}
}

// A server that has closed a connection that waited did not get the request, which
// goes to it by another one; one that closes with the request may have acted.
func TestPlainSendsNothingTwice(t *testing.T) {
	var got atomic.Int64
	closed := make(chan struct{}, 1)
	s := newRawSite(t, func(n int64, in *bufio.Reader, c net.Conn) {
		_, body, err := asked(in)
		if err != nil {
			return
		}
		got.Add(1)
		if body == "die" {
			return
		}
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		c.Close()
		closed <- struct{}{}
	})
	c := streams(t, Options{})
	for range 3 {
		if _, body, err := post(t.Context(), c, s.url, "x"); err != nil || body != "ok" {
			t.Fatalf("%q, %v", body, err)
		}
		<-closed
	}
	if _, _, err := post(t.Context(), c, s.url, "die"); err == nil {
		t.Error("there was no answer")
	}
	if n := got.Load(); n != 4 {
		t.Errorf("the server got %d requests", n)
	}
}

func TestPlainIsBounded(t *testing.T) {
	end, reached := make(chan struct{}), make(chan struct{}, 8)
	t.Cleanup(func() { close(end) })
	s := newRawSite(t, func(_ int64, in *bufio.Reader, c net.Conn) {
		_, body, err := asked(in)
		if err != nil {
			return
		}
		switch body {
		case "withdrawn":
			reached <- struct{}{}
		case "long":
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2*headerBytes)+"\r\nContent-Length: 0\r\n\r\n")
		case "again":
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100))
		case "no http":
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
		case "both":
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nyes!")
		case "short":
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nyes")
			return
		}
		<-end
	})
	c := streams(t, Options{Timeout: 100 * time.Millisecond})
	for _, body := range []string{"long", "again", "no http", "both", "short", "never"} {
		_, _, err := post(t.Context(), c, s.url, body)
		if err == nil || body == "never" && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", body, err)
		}
	}
	cause := errors.New("no longer wanted")
	ctx, stop := context.WithCancelCause(t.Context())
	began := make(chan error, 1)
	go func() {
		_, _, err := post(ctx, streams(t, Options{Timeout: time.Minute}), s.url, "withdrawn")
		began <- err
	}()
	<-reached
	stop(cause)
	if err := <-began; !errors.Is(err, cause) {
		t.Errorf("a request that was withdrawn: %v", err)
	}
}

// Nothing in a header can end its field, and what is not simple is left to net/http.
func TestPlainly(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"TLS":               func(r *http.Request) { r.URL.Scheme = "https" },
		"another host":      func(r *http.Request) { r.Host = "b.example" },
		"no length":         func(r *http.Request) { r.ContentLength = -1 },
		"a long body":       func(r *http.Request) { r.ContentLength = plainMost + 1 },
		"close":             func(r *http.Request) { r.Close = true },
		"chunks":            func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"a trailer":         func(r *http.Request) { r.Trailer = http.Header{"A": nil} },
		"upgrade":           func(r *http.Request) { r.Header.Set("Upgrade", "websocket") },
		"a length":          func(r *http.Request) { r.Header["content-length"] = []string{"1"} },
		"a line break":      func(r *http.Request) { r.Header.Set("A", "b\r\nC: d") },
		"a line feed":       func(r *http.Request) { r.Header.Set("A", "b\nC: d") },
		"a name":            func(r *http.Request) { r.Header["A: b\r\nC"] = []string{"d"} },
		"no name":           func(r *http.Request) { r.Header[""] = []string{"d"} },
		"another method":    func(r *http.Request) { r.Method = http.MethodPut },
		"a blank in a path": func(r *http.Request) { r.URL.RawQuery = "a b" },
		"a line in a path":  func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1\r\nB: c" },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.example/mcp", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/plain")
		if !plainly(r) {
			t.Fatal("a simple request is not taken")
		}
		if change(r); plainly(r) {
			t.Errorf("%s is taken", name)
		}
	}
}

// A connection that waited too long is closed, and the last one takes the watch along.
func TestPlainLetsGo(t *testing.T) {
	gone := make(chan error, 2)
	s := newRawSite(t, func(_ int64, in *bufio.Reader, c net.Conn) {
		for {
			if _, _, err := asked(in); err != nil {
				gone <- err
				return
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	tr := dialer(t, Options{Stream: true, AllowPrivate: []string{allowed}}).Transport().(*transport)
	c := &http.Client{Transport: tr}
	if _, _, err := post(t.Context(), c, s.url, "x"); err != nil {
		t.Fatal(err)
	}
	tr.plain.expire(time.Now().Add(-time.Hour))
	if len(tr.plain.idle) != 1 || tr.plain.timer == nil {
		t.Error("a connection that was just used is closed")
	}
	tr.plain.expire(time.Now().Add(time.Hour))
	if <-gone; len(tr.plain.idle) != 0 || tr.plain.timer != nil {
		t.Error("a connection that waited is kept")
	}
}
