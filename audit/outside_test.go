package audit

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// Each place gets the newest checkpoint while the log is open, and the last one
// when it is closed.
func TestCheckpointsGoElsewhere(t *testing.T) {
	tmp := t.TempDir()
	kept := filepath.Join(tmp, "kept")
	socket := filepath.Join(tmp, "log")
	daemon, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	posts := make(chan []byte, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- body
	}))
	defer server.Close()
	dir := filepath.Join(tmp, "state")
	l := openTest(t, dir, func(o *Options) {
		o.CheckpointTo = []string{kept, "syslog:" + socket, server.URL + "/in?token=s3cret"}
		o.HTTPClient = server.Client()
	})
	first := <-posts
	if len(verify(t, dir, VerifyOptions{Checkpoint: first}).Broken) != 0 {
		t.Errorf("first post %q", first)
	}
	fill(t, l, 6)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if last := <-posts; !bytes.HasPrefix(last, []byte("ostiary/"+l.ID()+"\n10\n")) || len(posts) != 0 {
		t.Errorf("last post %q, %d more", last, len(posts))
	}
	if n := bytes.Count(read(t, kept), []byte("\n")); n != 2 {
		t.Errorf("%d checkpoints in the file", n)
	}
	buf := make([]byte, 4096)
	for range 2 {
		n, err := daemon.Read(buf)
		if err != nil || !bytes.Contains(buf[:n], []byte("ostiary[")) || !bytes.Contains(buf[:n], []byte(checkpointPrefix)) {
			t.Errorf("syslog got %q, %v", buf[:n], err)
		}
	}
	if err := verify(t, dir, VerifyOptions{Checkpoint: read(t, kept)}).Err(); err != nil {
		t.Error(err)
	}
}

// A place that fails or hangs stops nobody; that it failed is evidence, without
// the credentials of its address.
func TestAFailingPlaceIsRecordedAndBlocksNobody(t *testing.T) {
	var mu sync.Mutex
	answer := http.StatusInternalServerError
	hang := make(chan struct{})
	inFlight, most := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		inFlight++
		most = max(most, inFlight)
		mu.Unlock()
		select {
		case <-hang:
		case <-r.Context().Done():
		}
		mu.Lock()
		defer mu.Unlock()
		inFlight--
		w.WriteHeader(answer)
	}))
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) {
		o.CheckpointTo = []string{strings.Replace(server.URL, "http://", "http://user:s3cret@", 1) + "/in?token=s3cret"}
		o.CheckpointEvery, o.HTTPClient = time.Millisecond, server.Client()
	})
	fill(t, l, 30) // while the place hangs
	tick := make(chan time.Time)
	events := make(chan Record, 10)
	go Tail(t.Context(), dir, TailOptions{Last: 0, Follow: true, Tick: tick}, func(f Found) error {
		if f.Record.Kind == KindEvent {
			events <- f.Record
		}
		return nil
	})
	event := func() Record {
		for {
			select {
			case r := <-events:
				return r
			case tick <- time.Time{}:
			}
		}
	}
	tick <- time.Time{}
	close(hang)
	if r := event(); r.Code != "checkpoint_undelivered" || !strings.Contains(r.Reason, "500") {
		t.Errorf("event %+v", r)
	}
	mu.Lock()
	answer = http.StatusNoContent
	mu.Unlock()
	if r := event(); r.Code != "checkpoint_delivered" || !strings.Contains(r.Target, server.Listener.Addr().String()) {
		t.Errorf("event %+v", r)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(read(t, segmentPath(dir, l.ID())), []byte("s3cret")) {
		t.Error("the credentials of a place are in the log")
	}
	if most != 1 {
		t.Errorf("%d requests at once", most)
	}
}

// Nothing but the client that was given posts, and it goes nowhere else.
func TestOnlyTheGivenClientPosts(t *testing.T) {
	elsewhere := make(chan struct{}, 10)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere <- struct{}{} }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := newDestination(server.URL, nil); !errors.Is(err, ostiary.CodeConfigInvalid) {
		t.Errorf("without a client: %v", err)
	}
	p, err := newDestination(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.send(t.Context(), []byte("x")); err == nil || len(elsewhere) != 0 {
		t.Errorf("a redirect: %v, followed %d times", err, len(elsewhere))
	}
	if p, err = newDestination(other.URL, server.Client()); err != nil || p.send(t.Context(), []byte("x")) != nil || len(elsewhere) != 1 { // control
		t.Errorf("%v, it came there %d times", err, len(elsewhere))
	}
}
