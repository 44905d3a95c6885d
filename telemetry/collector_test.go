package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/telemetry"
)

// A collector that takes connections and never answers costs calls nothing, and the
// end of the door only what it is given.
func TestHangingCollector(t *testing.T) {
	hang := make(chan struct{})
	asked := make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(hang)
	var said bytes.Buffer
	tel := start(t, telemetry.Options{Sample: 1, Scraped: true, Log: slog.New(slog.NewTextHandler(&said, nil)),
		Collector: &telemetry.Collector{URL: s.URL, Client: s.Client(), Every: time.Millisecond}})
	if err := tel.Read(telemetry.Sources{}); err != nil {
		t.Fatal(err)
	}
	l := line(t, tel)
	<-asked // it hangs
	began := time.Now()
	const calls = 20000
	for range calls {
		if r, _ := l.Do(t.Context(), call("x", "t", ""), gives(ostiary.StatusOK, `{}`)); r == nil {
			t.Fatal("a call fails")
		}
	}
	if took := time.Since(began); took > 8*time.Second { // one wait for the collector would be longer
		t.Errorf("%d calls took %s", calls, took)
	}
	all, _ := scrape(t, tel.Handler())
	if n, _ := value(all, `ostiary_telemetry_dropped_total{ostiary_signal="traces"}`); n == 0 {
		t.Error("nothing was dropped, so the queues have no bound")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began = time.Now()
	if err := tel.Close(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
	if l.Do(t.Context(), call("x", "t", ""), gives(ostiary.StatusOK, `{}`)); !strings.Contains(said.String(), "collector did not take") {
		t.Errorf("the operator reads %q", said.String())
	}
}

// What a collector answers is not repeated in the log, and one that is not there
// is a warning and no more.
func TestCollectorsAnswerIsNotRepeated(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "SECRET "+r.Header.Get("Authorization"), http.StatusForbidden)
	}))
	defer s.Close()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, url := range []string{s.URL, "http://" + l.Addr().String()} {
		var said bytes.Buffer
		tel := start(t, telemetry.Options{Sample: 1, Log: slog.New(slog.NewTextHandler(&said, nil)),
			Collector: &telemetry.Collector{URL: url, Client: s.Client(), Headers: map[string]string{"Authorization": "SECRET"}, Every: time.Hour}})
		line(t, tel).Do(t.Context(), call("1", "t", ""), gives(ostiary.StatusOK, `{}`))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_ = tel.Close(ctx)
		cancel()
		if strings.Contains(said.String(), "SECRET") || !strings.Contains(said.String(), "collector did not take") {
			t.Errorf("%s: the operator reads %q", url, said.String())
		}
	}
}
