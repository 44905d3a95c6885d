package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// leadOn passes a connection on until the other side ends it.
func leadOn(c net.Conn, to string) {
	there, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	go func() {
		defer there.Close()
		_, _ = io.Copy(there, c)
	}()
	_, _ = io.Copy(c, there)
}

// switchboard passes connections on to where it leads at the time; those that there
// are stay where they are.
func switchboard(t *testing.T) (port string, lead func(to string)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var now atomic.Value
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				leadOn(c, now.Load().(string))
			}()
		}
	}()
	if _, port, err = net.SplitHostPort(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return port, func(to string) { now.Store(to) }
}

// TestAnOldConnectionIsLeft: a person accepts another key while a connection to the
// server with the old one is open, with a call on it that takes long or without. The old
// server gets nothing more, the call on it ends, and the door goes to the one that was
// accepted. Where both count the call goes on.
func TestAnOldConnectionIsLeft(t *testing.T) {
	for _, c := range []struct{ busy, also bool }{{false, false}, {true, false}, {true, true}} {
		t.Run(fmt.Sprintf("busy %t also %t", c.busy, c.also), func(t *testing.T) {
			pairs, roots := ownCertificates(t)
			t.Setenv("SSL_CERT_FILE", roots)
			port, lead := switchboard(t)
			first, replaced := secured(t, pairs[0], "")
			d := newDoorway(t, fmt.Sprintf("version: 1\nupstreams:\n  notes: {url: \"https://localhost:%s\", allow_private: [localhost], credential: {value: the-credential}}\nrules:\n  - {tool: notes/*, effect: read}\n", port))
			lead(first.Listener.Addr().String())
			door, key := d.start("notes"), d.key("alice")
			becomes := func(url, want string) {
				t.Helper()
				d.until("no call gets "+want, func() bool {
					_, body, err := modernPost(t, http.DefaultClient, url, key)
					return err == nil && strings.Contains(body, want)
				})
			}
			becomes(door.url, ran)
			ended := make(chan string, 1)
			if c.busy {
				before := replaced.Load()
				go func() {
					_, body, err := modernPostTo(t, http.DefaultClient, door.url, key, "wait")
					ended <- fmt.Sprint(body, err)
				}()
				d.until("the server sees no call", func() bool { return replaced.Load() > before })
			}
			second, seen := secured(t, pairs[1], "")
			lead(second.Listener.Addr().String())
			becomes(d.start("notes").url, "pin_upstream") // another door has no connection, and the key waits
			accept := []string{"pin", "accept", "notes"}
			if c.also {
				accept = append(accept, "--also")
			}
			d.command(accept...)
			if c.also {
				becomes(door.url, ran)
				select {
				case got := <-ended:
					t.Errorf("a call to a server that counts yet ended: %s", got)
				default:
				}
				return
			}
			if c.busy { // nobody calls meanwhile
				if got := <-ended; !strings.Contains(got, "pin_upstream") || !strings.Contains(got, "whether") {
					t.Errorf("the call to the server that was replaced: %s", got)
				}
			}
			became := seen.Load()
			d.until("the server that was accepted sees nothing", func() bool {
				becomes(door.url, "jsonrpc")
				return seen.Load() > became
			})
			old := replaced.Load()
			for range 3 {
				becomes(door.url, ran)
			}
			if n := replaced.Load() - old; n != 0 {
				t.Errorf("the server that was replaced saw %d requests more", n)
			}
		})
	}
}
