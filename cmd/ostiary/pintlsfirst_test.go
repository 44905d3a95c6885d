package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// alternating passes connections on to these addresses in turn; the first of each wait
// for each other.
func alternating(t *testing.T, to ...string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	all := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if i+1 == len(to) {
				close(all)
			}
			go func() {
				defer c.Close()
				select {
				case <-all:
				case <-t.Context().Done():
					return
				}
				leadOn(c, to[i%len(to)])
			}()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestTwoFirstConnections: two processes reach a server that nobody has seen at the same
// moment, and two servers with other keys answer. Only one of them gets a request, and
// the credential; where nothing is pinned both do.
func TestTwoFirstConnections(t *testing.T) {
	for _, unpinned := range []bool{false, true} {
		t.Run(fmt.Sprint("unpinned ", unpinned), func(t *testing.T) {
			pairs, roots := ownCertificates(t)
			t.Setenv("SSL_CERT_FILE", roots)
			one, first := secured(t, pairs[0], "")
			two, second := secured(t, pairs[1], "")
			port := alternating(t, one.Listener.Addr().String(), two.Listener.Addr().String())
			d := newDoorway(t, fmt.Sprintf("version: 1\npin: {dangerously_unpinned: %t}\nupstreams:\n  notes: {url: \"https://localhost:%s\", allow_private: [localhost], credential: {value: the-credential}}\nrules:\n  - {tool: notes/echo, effect: read}\n", unpinned, port))
			urls, key := []string{d.start("notes").url, d.start("notes").url}, d.key("alice")
			var got [2]string
			var calls sync.WaitGroup
			for i, url := range urls {
				calls.Go(func() {
					_, body, err := modernPost(t, http.DefaultClient, url, key)
					got[i] = fmt.Sprint(body, err)
				})
			}
			calls.Wait()
			a, b := first.Load() > 0, second.Load() > 0
			if unpinned {
				if !a || !b {
					t.Errorf("control: the servers saw %t, %t", a, b)
				}
				return
			}
			if a == b {
				t.Errorf("the servers saw %t, %t", a, b)
			}
			if !strings.Contains(got[0]+got[1], "pin_upstream") {
				t.Errorf("got %s", got)
			}
		})
	}
}
