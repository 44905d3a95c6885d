package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestConnectSpeaksOfCalls: a handshake that fails and the notification behind it
// are no calls, so nobody is sent to look what they did. Control: a request is one.
func TestConnectSpeaksOfCalls(t *testing.T) {
	e := connectTo(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
	e.say(initRequest)
	if got := e.hears(); strings.Contains(got, "took effect") || !strings.Contains(got, "HTTP 502: no; ask its operator") {
		t.Error(got)
	}
	e.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	_, err := e.leaves()
	if got := e.stderr.String(); err != nil || strings.Contains(got, "took effect") || strings.Count(got, "HTTP 502: no; ask its operator") != 2 {
		t.Errorf("%v: %s", err, got)
	}
	e = connectTo(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
	e.say(listRequest)
	if got := e.hears(); !strings.Contains(got, "HTTP 502: no; whether the call took effect is unknown") {
		t.Error(got)
	}
}
