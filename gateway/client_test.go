package gateway

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// Every code of the wire is one JSON-RPC error to the client and one record, and
// the server sees nothing of it.
func TestMalformedLinesOfTheClient(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for _, tt := range []struct {
		line string
		code ostiary.Code
		rpc  int
		id   string
	}{
		{`{`, ostiary.CodeWireParse, -32700, `null`},
		{`   `, ostiary.CodeWireParse, -32700, `null`},
		{`{"jsonrpc":"1.0","id":1,"method":"ping"}`, ostiary.CodeWireEnvelope, -32600, `1`},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"put","arguments":{"path":1,"PATH":2}}}`, ostiary.CodeWireDuplicate, -32700, `1`},
		{`{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, ostiary.CodeWireDuplicate, -32700, `null`},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", ostiary.CodeWireUTF8, -32700, `1`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}{}`, ostiary.CodeWireTrailing, -32700, `null`},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, ostiary.CodeWireBatch, -32600, `null`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":` + deep + `}}`, ostiary.CodeWireDepth, -32600, `1`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"` + strings.Repeat("a", 1<<20) + `"}}`, ostiary.CodeWireSize, -32600, `1`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`, ostiary.CodeWireParams, -32600, `1`},
		{`{"jsonrpc":"2.0","id":null,"method":"ping"}`, ostiary.CodeWireID, -32600, `null`},
		{`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"1999-01-01"}}`, ostiary.CodeWireVersion, -32022, `1`},
		{`{"jsonrpc":"2.0","id":1,"method":"notifications/roots/list_changed"}`, ostiary.CodeWireEnvelope, -32600, `1`},
		// A call without id would have been judged by other arguments than it has.
		{`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"put","arguments":{}}}`, ostiary.CodeWireEnvelope, -32600, `null`},
	} {
		b.send(tt.line)
		b.want(`"id":`+tt.id+`,`, fmt.Sprintf(`"code":%d,`, tt.rpc), `"code":"`+string(tt.code)+`"`)
	}
	s.nothing(b)
	all := b.logged()
	for code, n := range map[ostiary.Code]int{
		ostiary.CodeWireParse: 2, ostiary.CodeWireEnvelope: 3, ostiary.CodeWireDuplicate: 2, ostiary.CodeWireUTF8: 1, ostiary.CodeWireTrailing: 1,
		ostiary.CodeWireBatch: 1, ostiary.CodeWireDepth: 1, ostiary.CodeWireSize: 1, ostiary.CodeWireParams: 1, ostiary.CodeWireID: 1, ostiary.CodeWireVersion: 1,
	} {
		if got := (is{kind: audit.KindRefusal, code: string(code)}).in(all); got != n {
			t.Errorf("%d records of %s, want %d", got, code, n)
		}
	}
}

func TestAnIDInUseIsRefusedWithoutAnsweringTheOpenRequest(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(call("1", "read"))
	s.next(`"id":1,`)
	for _, id := range []string{"1", "1.0", "10e-1"} {
		b.send(call(id, "put"))
		b.want(`"id":null`, `"wire_id"`)
	}
	// The same number as text is another id.
	b.send(call(`"1"`, "read"))
	s.next(`"id":"1"`)
	s.say(answer("1", "first"), answer(`"1"`, "second"))
	got := b.read() + b.read()
	has(t, got, `"id":1,`, `first`, `"id":"1"`, `second`)
	// What was answered is free again.
	b.send(call("1", "read"))
	s.next(`"id":1,`)
	s.say(answer("1", "third"))
	b.want("third")
}

func TestTheDoorsOwnIDsAreNotTheClients(t *testing.T) {
	s := newScripted(t)
	own := make(chan string, 1)
	lists := s.auto
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "tools/list" {
			own <- string(m.ID)
		}
		return lists(m)
	}
	b := openDoor(t, rows(), s.behind).shaken()
	id := b.await(own, "no listing")
	if !strings.HasPrefix(id, `"ostiary-`) {
		t.Fatalf("own id %s", id)
	}
	b.send(call(id, "read"))
	b.want(`"wire_id"`)
	b.send(cancelled(id))
	b.recorded(is{code: "gateway_orphan"})
	s.nothing(b)
}

func TestCancellation(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()

	// In flight: the client's own words reach the server; nobody is answered.
	b.send(call("1", "put"))
	s.next(`"id":1,`)
	b.send(cancelled("1.0"))
	if got := s.next(); got != cancelled("1.0") {
		t.Fatalf("got %s", got)
	}
	b.recorded(is{kind: audit.KindIntent, target: "put"}, is{kind: audit.KindOutcome, target: "put", code: "gateway_cancelled", status: "cancelled"})
	s.say(answer("1", "late"))
	b.recorded(is{kind: audit.KindRefusal, code: "gateway_late"})

	// After the end: dropped and recorded.
	b.send(cancelled("1"))
	b.recorded(is{code: "gateway_orphan", method: "notifications/cancelled"})
	s.nothing(b)
}

func TestCancellationBeforeTheCallIsForwarded(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind)
	b.send(initialize)
	b.want(`"id":0`)
	b.send(call("1", "put"), cancelled("1")) // the catalog is not listed before `initialized`
	b.recorded(is{kind: audit.KindRefusal, target: "put", code: "gateway_cancelled", status: "refused"})
	b.send(initialized)
	s.nothing(b)
	if n := (is{kind: audit.KindIntent}).in(b.logged()); n != 0 {
		t.Errorf("%d intents of a call that was not forwarded", n)
	}
}

func TestARuleTimeoutAnswersAndCancelsUpstream(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(call("1", "slow"))
	s.next(`"id":1,`)
	b.want(`"id":1,`, `"isError":true`, `"limit_timeout"`)
	s.next(`"notifications/cancelled"`, `"requestId":1,`)
	b.recorded(is{kind: audit.KindOutcome, target: "slow", code: "limit_timeout", status: "timeout"})

	// The late answer must not be taken for the answer of a newer call.
	b.send(call("1", "read"))
	b.want(`"id":1,`, `"wire_id"`)
	s.say(answer("1", "late"))
	b.recorded(is{code: "gateway_late"})
	b.send(call("1", "read"))
	s.next(`"id":1,`)
	s.say(answer("1", "mine"))
	b.want("mine")
	s.nothing(b)
}

func TestAnswersThatNobodyAskedFor(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	s.say(answer("77", "orphan"), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}`)
	b.recorded(is{kind: audit.KindRefusal, code: "gateway_orphan"})
	b.send(call("1", "read"))
	s.next()
	s.say(answer("1", "one"), answer("1", "two"), answer("1.0", "three"))
	b.want("one")
	s.nothing(b)
	late, orphan := is{code: "gateway_late"}, is{code: "gateway_orphan"}
	b.records(func(all []audit.Record) bool { return late.in(all)+orphan.in(all) == 4 })
	// The client's answers to nothing.
	b.send(answer("5", "x"))
	b.records(func(all []audit.Record) bool { return late.in(all)+orphan.in(all) == 5 })
}

func TestUnknownMethodsAreRefusedBothWays(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(`{"jsonrpc":"2.0","id":1,"method":"vendor/x"}`)
	b.want(`"id":1,`, `-32601`, `"policy_method"`, `method: up/vendor/x`)
	b.send(`{"jsonrpc":"2.0","method":"vendor/note"}`, `{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{}}`)
	b.want(`"id":2,`, `-32601`)
	s.nothing(b)
	s.say(`{"jsonrpc":"2.0","id":3,"method":"vendor/x"}`)
	s.next(`"id":3,`, `-32601`)
	s.say(`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"read"}}`)
	s.next(`"id":4,`, `policy_method`)
	s.say(`{"jsonrpc":"2.0","method":"vendor/note"}`)
	b.records(func(all []audit.Record) bool { return is{code: "policy_method"}.in(all) == 6 })
}

func TestAHandshakeComesFirst(t *testing.T) {
	s := newScripted(t)
	s.auto = func(*wire.Message) ([]string, bool) { return nil, false }
	b := openDoor(t, rows(), s.behind)
	b.send(initialize, initialized, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, initialize)
	s.next(`"initialize"`)
	select {
	case l := <-s.got:
		t.Fatalf("%s overtook the handshake", l)
	default:
	}
	s.say(`{"jsonrpc":"2.0","id":0,"result":{"capabilities":{}}}`)
	b.want(`"id":0`)
	s.next(`notifications/initialized`)
	got := s.next() + s.next()
	has(t, got, `"ping"`, `"initialize"`)
	s.say(`{"jsonrpc":"2.0","id":0,"result":{"capabilities":{}}}`, `{"jsonrpc":"2.0","id":1,"result":{}}`)
	has(t, b.read()+b.read(), `"id":0`, `"id":1`)
}

// A client that probes with the modern era and falls back uses the same pipe.
func TestBothErasOnOnePipe(t *testing.T) {
	s := newScripted(t)
	metas := make(chan string, 10)
	usual := s.auto
	s.auto = func(m *wire.Message) ([]string, bool) {
		switch m.Method {
		case "server/discover":
			return []string{`{"jsonrpc":"2.0","id":` + string(m.ID) + `,"error":{"code":-32601,"message":"no"}}`}, true
		case "tools/list":
			metas <- string(m.Meta)
		}
		return usual(m)
	}
	b := openDoor(t, rows(), s.behind)
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	b.send(`{"jsonrpc":"2.0","id":"probe","method":"server/discover","params":{` + meta + `}}`)
	b.want(`"probe"`, `-32601`)
	b.shaken()
	if got := b.await(metas, "no listing"); got != "" {
		t.Errorf("a legacy listing carries %s", got)
	}
	b.send(call("1", "read"))
	s.next(`"id":1`)
	s.say(answer("1", "legacy"))
	b.want("legacy")
	b.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{},` + meta + `}}`)
	s.next(`"id":2`, `2026-07-28`)
	s.say(answer("2", "modern"))
	b.want("modern")
	b.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read","_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01"}}}`)
	b.want(`"id":3`, `wire_version`)
}

func TestAHundredCallers(t *testing.T) {
	b := openDoor(t, policy.Options{}, echoServer).shaken()
	const callers, each = 100, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				mu.Lock()
				b.send(call(fmt.Sprintf(`"%d.%d"`, c, i), "echo"))
				mu.Unlock()
			}
		}()
	}
	seen := map[string]bool{}
	for range callers * each {
		seen[b.want(`"result"`, `"text":"x"`)] = true
	}
	wg.Wait()
	if len(seen) != callers*each {
		t.Fatalf("%d answers, want %d", len(seen), callers*each)
	}
	if n := (is{kind: audit.KindOutcome, target: "echo", status: "ok"}).in(b.logged()); n != callers*each {
		t.Fatalf("%d outcomes before the last answer, want %d", n, callers*each)
	}
}

// A client that sends what is no message without end gets its answers, and a
// bounded number of records that stand for all.
func TestGarbledMessagesHaveAQuota(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	const flood = 5 * oddBurst
	for range flood {
		b.send(`{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}`)
		has(t, b.read(), "wire_duplicate_key")
	}
	b.send(`[]`)
	has(t, b.read(), "wire_batch")
	b.close()
	written, stand := 0, 0
	for _, r := range b.logged() {
		if r.Code != "wire_duplicate_key" {
			continue
		}
		written++
		n := 1
		if more, _, ok := strings.Cut(r.Reason, " more refusals"); ok {
			fmt.Sscan(more, &n)
		}
		if stand += n; r.Principal != "alice" || r.Stage != "wire" {
			t.Errorf("recorded of %q by %q", r.Principal, r.Stage)
		}
	}
	if stand != flood || written != oddBurst+1 {
		t.Errorf("%d records stand for %d of %d messages", written, stand, flood)
	}
	if n := (is{code: "wire_batch"}).in(b.logged()); n != 1 {
		t.Errorf("%d records of the other kind", n)
	}
}
