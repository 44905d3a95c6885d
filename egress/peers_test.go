package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

var errLeft = &ostiary.Error{Code: ostiary.CodePinUpstream, Message: "left"}

// judge takes all whose name stands in it.
type judge struct {
	mu      sync.Mutex
	names   []string
	met     int
	left    map[string]bool
	unknown error
}

func (j *judge) set(name string, left bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.left[name] = left
}

func (j *judge) fails(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unknown = err
}

// meets is how many connections were made.
func (j *judge) meets() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.met
}

func (j *judge) peers() *Peers {
	return &Peers{
		Meet: func(_ context.Context, state *tls.ConnectionState) (string, error) {
			j.mu.Lock()
			defer j.mu.Unlock()
			name := j.names[min(j.met, len(j.names)-1)]
			if j.met++; j.left[name] || len(state.PeerCertificates) == 0 {
				return "", errLeft
			}
			return name, nil
		},
		Left: func(_ context.Context, name string) (why, err error) {
			j.mu.Lock()
			defer j.mu.Unlock()
			if j.left[name] {
				why = errLeft
			}
			return why, j.unknown
		},
	}
}

// judging is a server that answers at once, or with streams that last, and a client
// whose connections the judge names in their order. arrived gets each path.
func judging(t *testing.T, http2 bool, names ...string) (s *site, c *http.Client, j *judge, arrived chan string) {
	t.Helper()
	arrived = make(chan string, 100)
	s = newSite(t, allowed, false, func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Path
		if r.URL.Path != "/silent" {
			fmt.Fprintln(w, r.Proto)
		}
		if r.URL.Path == "/lasts" {
			_ = http.NewResponseController(w).Flush()
		}
		if r.URL.Path != "/" {
			<-r.Context().Done()
		}
	})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", allowed+":0")
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewUnstartedServer(s.Config.Handler)
	secure.Listener.Close()
	secure.Listener, secure.EnableHTTP2 = l, http2
	secure.Config.ErrorLog = s.Config.ErrorLog
	secure.StartTLS()
	t.Cleanup(secure.Close)
	t.Cleanup(secure.CloseClientConnections)
	s.Server = secure
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	j = &judge{names: names, left: map[string]bool{}}
	return s, client(t, Options{Stream: true, TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}, Peers: j.peers()}), j, arrived
}

// TestWhoIsLeftGetsNothing: a stream runs on a connection to somebody who may not be
// spoken to any more. Over HTTP/2 the next request would go by the same connection; it
// goes by a new one, and the stream ends and says why. A stream to somebody else goes on.
func TestWhoIsLeftGetsNothing(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(fmt.Sprintf("http2 %t %s", http2, method), func(t *testing.T) {
				names := []string{"A", "B"}
				if !http2 { // a stream has its connection
					names = []string{"A", "A", "B"}
				}
				s, c, j, _ := judging(t, http2, names...)
				proto := map[bool]string{true: "HTTP/2.0\n", false: "HTTP/1.1\n"}[http2]
				opened := opens(t, c, method, s.at("x.example")+"/lasts")
				if got, err := opened.ReadString('\n'); got != proto || err != nil {
					t.Fatalf("got %q, %v", got, err)
				}
				if _, err := send(t, c, method, s.at("x.example"), ""); err != nil {
					t.Fatal(err)
				}
				if n := j.meets(); n != len(names)-1 {
					t.Fatalf("control: %d connections were made for two requests", n)
				}
				before := c.Transport.(*transport).peers.pools()
				j.set("A", true)
				if got, err := send(t, c, method, s.at("x.example"), ""); got != proto || err != nil {
					t.Errorf("the next request: %q, %v", got, err)
				}
				if n := j.meets(); n != len(names) {
					t.Errorf("%d connections were made", n)
				}
				if c.Transport.(*transport).peers.pools() == before {
					t.Error("a pool is used that has the connections which ended")
				}
				if _, err := opened.ReadString('\n'); !errors.Is(err, ostiary.CodePinUpstream) {
					t.Errorf("the stream ended with %v", err)
				}
				other := opens(t, c, method, s.at("x.example")+"/lasts")
				j.set("A", false)
				if got, err := send(t, c, method, s.at("x.example"), ""); got != proto || err != nil {
					t.Error(got, err)
				}
				if got, err := other.ReadString('\n'); got != proto || err != nil {
					t.Errorf("control: the stream to another one: %q, %v", got, err)
				}
			})
		}
	}
}

// TestWhatRunsIsJudged: nobody asks for anything meanwhile.
func TestWhatRunsIsJudged(t *testing.T) {
	for _, path := range []string{"/lasts", "/silent"} {
		s, c, j, arrived := judging(t, true, "A")
		ended := make(chan error, 1)
		go func() {
			_, err := send(t, c, http.MethodPost, s.at("x.example")+path, "")
			ended <- err
		}()
		select {
		case <-arrived:
		case err := <-ended:
			t.Fatal(err)
		}
		j.set("A", true)
		select {
		case err := <-ended:
			if !errors.Is(err, ostiary.CodePinUpstream) {
				t.Errorf("%s ended with %v", path, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s goes on", path)
		}
	}
}

// TestWhoCannotBeJudgedGetsNothing: what runs goes on.
func TestWhoCannotBeJudgedGetsNothing(t *testing.T) {
	s, c, j, _ := judging(t, true, "A")
	opened := opens(t, c, http.MethodPost, s.at("x.example")+"/lasts")
	hits := s.hits.Load()
	j.fails(ostiary.CodeStoreBusy)
	if _, err := send(t, c, http.MethodPost, s.at("x.example"), ""); !errors.Is(err, ostiary.CodeStoreBusy) || s.hits.Load() != hits {
		t.Errorf("got %v and %d requests", err, s.hits.Load()-hits)
	}
	j.fails(nil)
	if _, err := send(t, c, http.MethodPost, s.at("x.example"), ""); err != nil {
		t.Error(err)
	}
	if got, err := opened.ReadString('\n'); got == "" || err != nil || j.meets() != 1 {
		t.Errorf("the stream: %q, %v; %d connections", got, err, j.meets())
	}
}

// TestWhoIsNotMet: nothing but the handshake reaches who is refused in it.
func TestWhoIsNotMet(t *testing.T) {
	s, c, j, _ := judging(t, true, "A")
	j.set("A", true)
	if _, err := send(t, c, http.MethodPost, s.at("x.example"), "secret"); !errors.Is(err, ostiary.CodePinUpstream) || s.hits.Load() != 0 {
		t.Errorf("got %v and %d requests", err, s.hits.Load())
	}
	j.set("A", false)
	if _, err := send(t, c, http.MethodPost, s.at("x.example"), "secret"); err != nil || s.hits.Load() != 1 {
		t.Errorf("control: %v and %d requests", err, s.hits.Load())
	}
}

// TestNothingIsKeptOfTheEnded: connections that were closed or refused and requests that
// ended leave nothing behind.
func TestNothingIsKeptOfTheEnded(t *testing.T) {
	s, c, j, _ := judging(t, false, "A")
	if _, err := get(t, c, s.at("x.example")); err != nil {
		t.Fatal(err)
	}
	p := c.Transport.(*transport).peers
	kept := func() (conns, running int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.live["A"]), p.running
	}
	before, running := kept()
	if running != 0 {
		t.Errorf("%d requests are kept", running)
	}
	d, config := c.Transport.(*transport).dialer, p.pools().inner.TLSClientConfig
	conn, err := p.dialTLS(t.Context(), d, config, s.Listener.Addr().String())
	if n, _ := kept(); err != nil || n != before+1 {
		t.Fatalf("control: %v, %d connections, then %d", err, before, n)
	}
	if conn.Close() != nil {
		t.Error("it does not close")
	}
	j.set("A", true)
	if _, err := p.dialTLS(t.Context(), d, config, s.Listener.Addr().String()); !errors.Is(err, ostiary.CodePinUpstream) {
		t.Error(err)
	}
	if n, _ := kept(); n != before {
		t.Errorf("%d connections, then %d", before, n)
	}
}

func opens(t *testing.T, c *http.Client, method, url string) *bufio.Reader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return bufio.NewReader(resp.Body)
}
