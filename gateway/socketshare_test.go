package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// TestMessagesByWebSocketHaveAShare: what a principal has on its way by WebSocket
// counts as over HTTP, across its connections; what is beyond the bound is refused and
// the rest goes on. Others have a share of their own, which is the control.
func TestMessagesByWebSocketHaveAShare(t *testing.T) {
	asked, open := make(chan struct{}, 8), make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			asked <- struct{}{}
			select {
			case <-open:
			case <-r.Context().Done():
			}
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	first, second, other := w.talk().shaken(), w.talk().shaken(), w.talk("Who", "bob").shaken()
	w.endpoint.doors.held.mu.Lock()
	w.endpoint.doors.held.most = 6 << 10
	w.endpoint.doors.held.mu.Unlock()
	large := func(id string) string {
		return strings.Replace(call(id, "read"), `"text":"x"`, `"text":"`+strings.Repeat("x", 4<<10)+`"`, 1)
	}
	first.send(large("1"))
	got(t, asked, "a call at the server")
	second.send(large("2"))
	second.want(`"id":2`, "limit_concurrency", "read the answers")
	second.send(call("3", "read")) // small enough, and the connection goes on
	got(t, asked, "a call at the server")
	other.send(large("4"))
	got(t, asked, "the control at the server")
	close(open)
	first.want(`"id":1`, "done")
	second.want(`"id":3`, "done")
	other.want(`"id":4`, "done")
	empty := func() bool {
		h := w.endpoint.doors.held
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.of) == 0
	}
	until(t, empty)
	second.send(large("5")) // there is room again
	second.want(`"id":5`, "done")
	until(t, empty)
}

// TestMessagesByWebSocketHaveAPace: where requests may come no faster, messages may
// not either; none is lost. The control is that nobody counts.
func TestMessagesByWebSocketHaveAPace(t *testing.T) {
	for _, counts := range []bool{false, true} {
		t.Run(fmt.Sprint(counts), func(t *testing.T) {
			var taken, refused atomic.Int64
			w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
				bySocket(o, s)
				o.Address = func(*http.Request) string { return "192.0.2.1" }
				if counts {
					o.Take = func(address string) error {
						if address != "192.0.2.1" {
							return errors.New("another address")
						}
						if taken.Add(1)%2 == 0 { // every second is too early
							refused.Add(1)
							return &ostiary.Error{Code: ostiary.CodeLimitRate, RetryAfter: time.Millisecond, Message: "too fast"}
						}
						return nil
					}
				}
			})
			c := w.talk().shaken()
			for i := range 10 {
				c.send(call(fmt.Sprint(10+i), "read"))
				c.want("done")
			}
			if n := refused.Load(); counts != (n > 0) {
				t.Errorf("counts %t, refused %d", counts, n)
			}
			if counts {
				w.recorded(is{code: "limit_rate"})
			}
		})
	}
}
