package gateway

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/policy"
)

func TestAReadPassesAndAWriteIsAskedAbout(t *testing.T) {
	b := openDoor(t, policy.Options{}, echoServer)
	b.send(initialize, initialized)
	if got := b.read(); !strings.Contains(got, `"id":0`) || !strings.Contains(got, `"result"`) {
		t.Fatalf("handshake: %s", got)
	}
	b.send(`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`)
	if got := b.read(); !strings.Contains(got, `"id":"a"`) || !strings.Contains(got, `hello`) {
		t.Fatalf("read: %s", got)
	}
	b.send(`{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"put","arguments":{"text":"hello"}}}`)
	got := b.read()
	if !strings.Contains(got, `"approval_required"`) || !strings.Contains(got, `"isError":true`) || !strings.Contains(got, "tool: up/put") {
		t.Fatalf("write: %s", got)
	}
}

func TestCallsInFlightEndWhenTheClientLeaves(t *testing.T) {
	b := openDoor(t, policy.Options{}, echoServer)
	b.send(initialize, initialized,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`)
	b.in.Close() // as `printf … | ostiary run` does
	b.read()
	if got := b.read(); !strings.Contains(got, `"id":1`) || !strings.Contains(got, "hello") {
		t.Fatalf("answer: %s", got)
	}
}
