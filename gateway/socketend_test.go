package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// TestAConnectionEndsWithItsCredential: at its time, and at the next message when
// it was taken back.
func TestAConnectionEndsWithItsCredential(t *testing.T) {
	var over atomic.Bool
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		authenticate, ends := o.Authenticate, time.Now().Add(time.Second)
		o.Authenticate = func(r *http.Request) (ostiary.Principal, string, error) {
			switch who, session, err := authenticate(r); {
			case who.ID == "alice" && time.Now().After(ends), who.ID == "bob" && over.Load():
				return ostiary.Principal{}, "", &ostiary.Error{Code: ostiary.CodeAuthExpired, Message: "its time is over"}
			default:
				return who, session, err
			}
		}
		o.Ends = func(r *http.Request) time.Time {
			if r.Header.Get("Who") == "" {
				return ends
			}
			return time.Time{}
		}
	})
	alice, bob, carl := w.talk().shaken(), w.talk("Who", "bob").shaken(), w.talk("Who", "carl").shaken()
	if code := alice.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v at its time", code)
	}
	bob.send(call("1", "read"))
	bob.want("done")
	over.Store(true)
	bob.send(call("2", "read"))
	if code := bob.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v when it was taken back", code)
	}
	w.recorded(is{code: "auth_expired"})
	if n := w.behind.count(); n != 1 {
		t.Errorf("the server was reached %d times", n)
	}
	carl.send(call("3", "read"))
	carl.want("done")
}

// TestAClientThatDoesNotReadIsCutOff: what it does not take is not kept for it.
func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.WriteWait = 300 * time.Millisecond
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			sayJSON(w, answer(string(m.ID), strings.Repeat("z", 60<<10)))
		}
	})
	c := w.talk().shaken()
	for i := range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := c.conn.Write(ctx, websocket.MessageText, []byte(call(fmt.Sprint(i), "read")))
		cancel()
		if err != nil {
			break
		}
	}
	until(t, func() bool { return w.endpoint.o.Capacity.inUse() == 0 })
	reads := w.talk().shaken() // the control reads
	reads.send(call("1", "read"))
	reads.want(`"id":1`, "zzz")
}

// TestIdleConnectionsEnd: nobody uses it, though the client answers pings; one with
// a call under way is in use.
func TestIdleConnectionsEnd(t *testing.T) {
	goOn := make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.IdleSession = 300 * time.Millisecond
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			<-goOn
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	busy := w.talk("Who", "bob").shaken()
	busy.send(call("1", "put"))
	if code := w.talk().shaken().closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %v", code)
	}
	close(goOn)
	busy.want(`"id":1`, "done")
}

// TestClosingTellsConnections: calls under way end, then the connection closes in
// order.
func TestClosingTellsConnections(t *testing.T) {
	came, goOn := make(chan struct{}), make(chan struct{})
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		bySocket(o, s)
		o.Door.Grace = patience
		s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
			close(came)
			<-goOn
			sayJSON(w, answer(string(m.ID), "done"))
		}
	})
	c := w.talk().shaken()
	c.send(call("1", "put"))
	<-came
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.endpoint.Close()
	}()
	until(t, func() bool { return w.endpoint.doors.ctx.Err() != nil })
	close(goOn)
	c.want(`"id":1`, "done")
	if code := c.closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %v", code)
	}
	<-closed
}
