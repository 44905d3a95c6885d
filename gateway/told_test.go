package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/wire"
)

// TestTheOperatorIsToldOfTheDoorsCredential: the client can do nothing about it, so the
// operator's log says it, once a minute. A server that answers, the control, is not
// spoken of.
func TestTheOperatorIsToldOfTheDoorsCredential(t *testing.T) {
	const words = "does not accept the door's own credential"
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized} {
		clock := newClock()
		w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
			o.Door.Now = clock.now
			o.Door.Remote.Header = func(context.Context, string) (http.Header, error) {
				return http.Header{"Authorization": {"Bearer old"}}, nil
			}
			s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
				if status != http.StatusOK {
					http.Error(w, "sign in", status)
					return
				}
				sayJSON(w, answer(string(m.ID), "done"))
			}
		})
		for i, want := range []int{1, 1, 2} {
			if i == 2 {
				clock.move(2 * time.Minute)
			}
			w.post(modernRead("1", "read", "{}"), modernFields("read")...)
			if status == http.StatusOK {
				want = 0
			}
			if n := strings.Count(w.err.String(), words); n != want {
				t.Errorf("status %d, call %d: told %d times, want %d", status, i+1, n, want)
			}
		}
		w.shut()
	}
}
