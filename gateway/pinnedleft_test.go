package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// leaving has answers of a type end in their middle, as where the server is left.
type leaving struct {
	inner http.RoundTripper
	kind  string
	now   atomic.Bool
}

func (l *leaving) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.inner.RoundTrip(r)
	if err != nil || !l.now.Load() || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	_ = resp.Body.Close()
	begun := map[string]string{"application/json": `{"jsonrpc":`, "text/event-stream": "data: {}"}[l.kind]
	resp.Header.Set("Content-Type", l.kind)
	resp.ContentLength, resp.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader(begun), l))
	return resp, nil
}

// Read ends what is read.
func (l *leaving) Read([]byte) (int, error) {
	return 0, &ostiary.Error{Code: ostiary.CodePinUpstream, Message: "another key was accepted; whether it took effect is unknown"}
}

// TestAnAnswerEndsWithItsServer: who waits for an answer hears that the server is left,
// and not that the server has cut it off.
func TestAnAnswerEndsWithItsServer(t *testing.T) {
	for _, kind := range []string{"", "application/json", "text/event-stream"} {
		t.Run(kind, func(t *testing.T) {
			l := &leaving{kind: kind}
			w := openWeb(t, policy.Options{}, func(o *HTTPOptions, _ *site) {
				l.inner = o.Door.Remote.Client.Transport
				o.Door.Remote.Client.Transport = l
			})
			id := w.session()
			call := func(n int) string {
				return w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read","arguments":{}}}`, n), "Mcp-Session-Id", id).body
			}
			has(t, call(2), "done")
			if kind == "" { // control
				has(t, call(3), "done")
				return
			}
			l.now.Store(true)
			has(t, call(3), `"code":"pin_upstream"`, "whether it took effect is unknown")
		})
	}
}
