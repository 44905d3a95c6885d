package config

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/approval"
)

// TestWebhookStaysOutside: the door posts to a private address only where the
// file lists it, also if the file's text was never looked at before.
func TestWebhookStaysOutside(t *testing.T) {
	var hits atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer s.Close()
	for _, c := range []struct {
		url   string
		allow []string
		told  bool
	}{
		{s.URL, []string{"127.0.0.1"}, true}, // the control
		{strings.Replace(s.URL, "127.0.0.1", "localhost", 1), []string{"localhost"}, true},
		{s.URL, nil, false},
		{s.URL, []string{"10.0.0.0/8"}, false},
		{strings.Replace(s.URL, "127.0.0.1", "localhost", 1), nil, false},
	} {
		hits.Store(0)
		hook := &Webhook{URL: c.url, AllowPrivate: c.allow}
		client, err := hook.client(Wiring{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := approval.NewWebhook(approval.WebhookOptions{
			URL: c.url, Secret: []byte("0123456789abcdef"), Redact: func(s string) string { return s }, Client: client,
		})
		if err != nil {
			t.Fatal(err)
		}
		// A refusal is not tried again: with pauses between the tries this would
		// last for minutes.
		err = n.Notify(t.Context(), approval.Request{ID: "06fxq2k8e9", Expires: time.Now().Add(time.Hour)})
		client.CloseIdleConnections()
		if told := err == nil && hits.Load() == 1; told != c.told || !c.told && (hits.Load() > 0 || !strings.Contains(err.Error(), "egress_address")) {
			t.Errorf("%s with %v: %d hits, %v", c.url, c.allow, hits.Load(), err)
		}
	}
}

// TestCheckpointsStayOutside: checkpoints go to a private address only where the
// file lists it.
func TestCheckpointsStayOutside(t *testing.T) {
	var hits atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer s.Close()
	for _, allowed := range []bool{true, false} {
		hits.Store(0)
		a := Audit{}
		if allowed {
			a.AllowPrivate = []string{"127.0.0.1"}
		}
		client, err := a.client(nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Post(s.URL, "text/plain", strings.NewReader("x"))
		if err == nil {
			resp.Body.Close()
		}
		client.CloseIdleConnections()
		if (err == nil) != allowed || hits.Load() == 1 != allowed || !allowed && !strings.Contains(err.Error(), "egress_address") {
			t.Errorf("allowed %v: %d hits, %v", allowed, hits.Load(), err)
		}
	}
}
