package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

// deaf is a server that shakes hands, lists, and then does not read.
func deaf(o *Options) {
	o.Server = serve(func(in io.Reader, out io.Writer) {
		lines := newLineReader(in, 1<<20)
		auto := handshakes(twoTools)
		for n := 0; n < 3; n++ {
			l, err := lines.next()
			if err != nil {
				return
			}
			m, err := wire.Parse(l.raw, wire.Limits{})
			if err != nil {
				return
			}
			said, _ := auto(m)
			for _, s := range said {
				if _, err := io.WriteString(out, s+"\n"); err != nil {
					return
				}
			}
		}
		// It ends when its standard output does, as a process that gets a signal.
		for _, err := io.WriteString(out, "\n"); err == nil; _, err = io.WriteString(out, "\n") {
		}
	})
}

// A server that does not read: calls still time out, and the client's
// notifications, cancellations and end are seen.
func TestAServerThatDoesNotRead(t *testing.T) {
	b := openDoor(t, rows(), func(o *Options) { deaf(o); o.Grace = 50 * time.Millisecond }).shaken()
	long := strings.Repeat("x", 1<<19)
	for i := range 8 { // more than the outbox and the pipe hold
		b.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"slow","arguments":{"text":%q}}}`, i, long))
	}
	for range 8 {
		b.want("limit_timeout")
	}
	for range 100 {
		b.send(`{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}`)
	}
	b.send(call(`"c"`, "put"), cancelled(`"c"`), `{`)
	b.want("wire_parse")
	b.recorded(is{target: "put", code: "gateway_cancelled"})
	if err := b.close(); err != nil {
		t.Error(err)
	}
}

// A client that does not read is read all the same, so that its end is seen; then
// the door ends. How much may wait is bounded (see inflight_test.go).
func TestAClientThatDoesNotRead(t *testing.T) {
	b := openDoor(t, rows(), func(o *Options) { echoServer(o); o.Grace = 50 * time.Millisecond }).shaken()
	long := strings.Repeat("x", 1<<18)
	for i := range 40 { // 10 MiB of answers, and refusals
		b.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":%q}}}`, i, long), `{`)
	}
	b.recorded(is{target: "echo", status: "ok"})
	b.in.Close() // and nobody reads
	if err := b.ended(); err != nil {
		t.Error(err)
	}
}

// The client's end is seen while the server never answers the handshake.
func TestTheClientLeavesDuringTheHandshake(t *testing.T) {
	s := newScripted(t)
	s.auto = func(*wire.Message) ([]string, bool) { return nil, false }
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.Grace = 50 * time.Millisecond })
	b.send(initialize, initialized, call("1", "read"))
	s.next("initialize")
	if err := b.close(); err != nil {
		t.Error(err)
	}
	b.recorded(is{method: "initialize", code: "gateway_shutdown"}, is{target: "read", code: "gateway_shutdown"})
}

// When the door is asked to end, calls in flight end within the grace, and what
// did not end is recorded.
func TestAskedToEnd(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.Grace = 300 * time.Millisecond }).shaken()
	b.send(call("1", "read"), call("2", "put"))
	s.next()
	s.next()
	b.stop()
	s.say(answer("1", "in time"))
	b.want(`"id":1`, "in time")
	b.want(`"id":2`, "gateway_shutdown")
	if err := b.ended(); err != nil {
		t.Error(err)
	}
	all := b.logged()
	if (is{target: "read", status: "ok"}).in(all) != 1 || (is{target: "put", kind: audit.KindOutcome, code: "gateway_shutdown", status: "lost"}).in(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// A listing that nobody answers does not hold the door.
func TestAListingEndsWithTheDoor(t *testing.T) {
	s := lister(t)
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.CatalogWait = time.Hour }).shaken()
	s.next("tools/list")
	b.close()
}

func TestAServerInThisProcessThatEnds(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(call("1", "put"))
	s.next()
	close(s.quit)
	b.want(`"id":1`, "gateway_upstream")
	if err := b.ended(); !errors.Is(err, ostiary.CodeGatewayUpstream) {
		t.Errorf("Run: %v", err)
	}
}
