package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestClientsOfSSEAreToldWhatToUse: such a client opens a stream by GET, without a
// session, and waits for an event `endpoint`. It must get neither a stream nor
// silence. The control is the stream of a client that has a session.
func TestClientsOfSSEAreToldWhatToUse(t *testing.T) {
	w := openWeb(t, rows(), plain)
	old := []string{"Accept", "text/event-stream", "Content-Type", "-", "Cache-Control", "no-store"}
	w.do(w.request(t.Context(), "GET", "", old...)).want(t, 405, "HTTP+SSE", "streamable HTTP", "this one")
	w.recorded(is{code: "gateway_http"})
	if status, _, _ := w.stream(w.session()); status != 200 {
		t.Errorf("the control: %d", status)
	}
	var told error
	o := Outdated{Endpoint: "https://gateway.example/files/mcp", Refused: func(_ *http.Request, err error) { told = err }}
	for _, method := range []string{"GET", "POST"} {
		told = nil
		got := httptest.NewRecorder()
		o.ServeHTTP(got, w.request(t.Context(), method, "", old...))
		reply{got.Code, got.Header(), got.Body.String()}.want(t, 410, "streamable HTTP", "https://gateway.example/files/mcp")
		if told == nil {
			t.Errorf("%s: nobody was told", method)
		}
	}
}
