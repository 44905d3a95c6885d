package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// What a server should not have written is dropped and recorded; the call that it
// was to answer ends at once.
func TestMalformedLinesOfTheServer(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	long := strings.Repeat("a", 1<<20)
	for i, tt := range []struct {
		line string // with the id for %d
		code ostiary.Code
	}{
		{`{"jsonrpc":"2.0","id":%d,"result":{"a":}}`, ostiary.CodeWireParse},
		{`{"jsonrpc":"2.0","id":%d,"result":{},"error":{}}`, ostiary.CodeWireEnvelope},
		{`{"jsonrpc":"2.0","id":%d,"result":{"a":1,"a":2}}`, ostiary.CodeWireDuplicate},
		{`{"jsonrpc":"2.0","id":%d,"result":{},"Result":{"content":[]}}`, ostiary.CodeWireDuplicate},
		{"{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"a\":\"\xff\"}}", ostiary.CodeWireUTF8},
		{`{"jsonrpc":"2.0","id":%d,"result":{}}{}`, ostiary.CodeWireTrailing},
		{`{"jsonrpc":"2.0","id":%d,"result":{"a":` + deep + `}}`, ostiary.CodeWireDepth},
		{`{"jsonrpc":"2.0","id":%d,"result":{"a":"` + long + `"}}`, ostiary.CodeWireSize},
		{`{"result":{"a":"` + long + `"},"jsonrpc":"2.0","id":%d}`, ostiary.CodeWireSize},
	} {
		b.send(call(fmt.Sprint(i+1), "put"))
		s.next()
		s.say(fmt.Sprintf(tt.line, i+1))
		b.want(fmt.Sprintf(`"id":%d,`, i+1), `"isError":true`, `"code":"`+string(tt.code)+`"`)
		b.recorded(is{kind: audit.KindOutcome, target: "put", code: string(tt.code), status: "withheld"}, is{kind: audit.KindRefusal, code: string(tt.code)})
	}
	// Not to be told whose: dropped. A request is refused, so that nobody waits.
	s.say(`[]`, `{"jsonrpc":"2.0","id":5,"method":"roots/list","params":[]}`)
	s.next(`"id":5,`, `-32600`)
	b.recorded(is{code: "wire_batch"}, is{code: "wire_params"})
	s.nothing(b)
}

// A malformed request of the server is not taken for an answer to the client's
// request with the same id.
func TestAMalformedRequestOfTheServerEndsNoCall(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	b.send(call("1", "read"))
	s.next()
	s.say(`{"jsonrpc":"2.0","id":1,"method":"roots/list","params":[]}`)
	s.next(`"id":1,`, `-32600`)
	s.say(answer("1", "mine"))
	b.want("mine")
}

func TestRequestsOfTheServer(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()

	// A form is shown with its source; the answer is a sink.
	s.say(`{"jsonrpc":"2.0","id":"e","method":"elicitation/create","params":{"message":"Your name?","requestedSchema":{"type":"object"}}}`)
	b.want(`"id":"e"`, `"message":"[asked by the server up] Your name?"`)
	b.send(`{"jsonrpc":"2.0","id":"e","result":{"action":"accept","content":{"name":"Alice"}}}`)
	s.next(`"id":"e"`, `"Alice"`)
	b.recorded(is{kind: audit.KindIntent, method: "elicitation/create"}, is{kind: audit.KindOutcome, method: "elicitation/create", status: "pending"})
	for _, r := range b.logged() {
		if r.Kind == audit.KindIntent && r.Class != "answer" && r.Class != "elicitation" {
			t.Errorf("intent of class %s", r.Class)
		}
	}

	// Roots pass, and their answers.
	s.say(`{"jsonrpc":"2.0","id":1,"method":"roots/list"}`)
	b.want(`"roots/list"`)
	b.send(`{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}`)
	s.next(`"roots":[]`)

	// A link, the model, and a question without words: refused to the server.
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":2,"method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://evil.example"}}`,
		`{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{"messages":[]}}`,
	} {
		s.say(line)
		s.next(`"id":2,`, `-32601`, `"policy_method"`)
	}
	s.say(`{"jsonrpc":"2.0","id":2,"method":"elicitation/create","params":{"requestedSchema":{}}}`)
	s.next(`"id":2,`, `"wire_params"`)

	// A second request under an open id is refused without touching the first.
	s.say(`{"jsonrpc":"2.0","id":3,"method":"roots/list"}`)
	b.want(`"roots/list"`)
	s.say(`{"jsonrpc":"2.0","id":3.0,"method":"elicitation/create","params":{"message":"x"}}`)
	s.next(`"id":null`)
	b.send(`{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no"}}`)
	s.next(`"id":3,`, `"no"`)

	// Withdrawn: the answer comes too late and stays here.
	s.say(`{"jsonrpc":"2.0","id":4,"method":"roots/list"}`)
	b.want(`"roots/list"`)
	s.say(cancelled("4"))
	if got := b.read(); got != cancelled("4") {
		t.Fatalf("got %s", got)
	}
	b.send(`{"jsonrpc":"2.0","id":4,"result":{"roots":["secret"]}}`)
	b.recorded(is{code: "gateway_late"})
	s.say(cancelled("99"))
	s.nothing(b)
}

// What the client's side knows is not forwarded before its intent is in the log.
func TestLaw1TheIntentOfASinkComesFirst(t *testing.T) {
	s := newScripted(t)
	var b *bench
	seen := make(chan string, 10)
	usual := s.auto
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "tools/call" || m.Kind == wire.KindResult {
			n := is{kind: audit.KindIntent}.in(b.logged())
			seen <- fmt.Sprintf("%s:%d", m.ID, n)
		}
		if m.Method == "tools/call" {
			return []string{answer(string(m.ID), "done")}, true
		}
		return usual(m)
	}
	b = openDoor(t, rows(), s.behind)
	b.shaken()
	b.send(call("1", "put"))
	if got := b.await(seen, "no call"); got != "1:1" {
		t.Errorf("put: %s, want its intent", got)
	}
	b.want("done")
	if n := (is{kind: audit.KindOutcome, target: "put", status: "ok"}).in(b.logged()); n != 1 {
		t.Errorf("%d outcomes when the client has the result, want 1", n)
	}
	b.send(call("2", "read")) // control: no sink, no intent
	if got := b.await(seen, "no call"); got != "2:1" {
		t.Errorf("read: %s, want no further intent", got)
	}
	b.want("done")
	s.say(`{"jsonrpc":"2.0","id":"r","method":"elicitation/create","params":{"message":"m"}}`)
	b.want("asked by")
	before := is{kind: audit.KindIntent}.in(b.logged())
	b.send(`{"jsonrpc":"2.0","id":"r","result":{"action":"accept"}}`)
	if got := b.await(seen, "no answer"); got != fmt.Sprintf(`"r":%d`, before+1) {
		t.Errorf("answer: %s, want %d intents", got, before+1)
	}
}

const modernMembers = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

func modernCall(id, more string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"read","arguments":{},` + modernMembers + more + `}}`
}

func TestQuestionsInsideResults(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind)
	ask := func(id, requests string) string {
		b.send(modernCall(id, ""))
		s.next(`"id":` + id)
		s.say(`{"jsonrpc":"2.0","id":` + id + `,"result":{"resultType":"input_required","inputRequests":` + requests + `,"requestState":"s"}}`)
		return b.read()
	}
	const form = `{"method":"elicitation/create","params":{"message":"Name?"}}`
	has(t, ask("1", `{"q":`+form+`}`), `"message":"[asked by the server up] Name?"`, `"requestState":"s"`)
	has(t, ask("2", `{"q":`+form+`,"m":{"method":"sampling/createMessage","params":{}}}`), `"isError":true`, `policy_method`)
	has(t, ask("3", `{"q":{"method":"elicitation/create","params":{"mode":"url","message":"m"}}}`), `"isError":true`, `policy_method`)
	b.recorded(is{kind: audit.KindOutcome, target: "read", status: "pending"}, is{kind: audit.KindOutcome, target: "read", code: "policy_method", status: "withheld"},
		is{kind: audit.KindRefusal, method: "sampling/createMessage"}, is{kind: audit.KindOutcome, method: "elicitation/create", status: "pending"})

	// The retry is a new call, and what it carries leaves: a sink.
	intents := is{kind: audit.KindIntent, target: "read"}
	before := intents.in(b.logged())
	b.send(modernCall("4", `,"inputResponses":{"q":{"action":"accept"}},"requestState":"s"`))
	s.next(`"inputResponses"`)
	if got := intents.in(b.logged()); got != before+1 {
		t.Errorf("%d intents, want %d", got, before+1)
	}
	s.say(answer("4", "done"))
	b.want("done")

	// A twin of resultType is withheld from modern clients, and only from them.
	b.send(modernCall("5", ""))
	s.next()
	s.say(`{"jsonrpc":"2.0","id":5,"result":{"resultType":"complete","ResultType":"input_required","content":[]}}`)
	b.want(`"id":5`, `"isError":true`, `wire_duplicate_key`)
	b.send(call("6", "read"))
	s.next()
	s.say(`{"jsonrpc":"2.0","id":6,"result":{"ResultType":"x","content":[]}}`)
	b.want(`"ResultType":"x"`)
}

// A row with a condition holds for questions inside results too.
func TestRowsForQuestionsInsideResults(t *testing.T) {
	for _, scopes := range [][]string{nil, {"people"}} {
		s := newScripted(t)
		o := rows()
		o.Rows = append(o.Rows, policy.Row{Kind: policy.Method, Pattern: "up/elicitation/create", Effect: ostiary.EffectRead, Scopes: []string{"people"}})
		b := openDoor(t, o, func(o *Options) { s.behind(o); o.Principal.Scopes = scopes })
		b.send(modernCall("1", ""))
		s.next()
		s.say(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"message":"m"}}}}}`)
		if scopes == nil {
			b.want(`policy_scope`)
		} else {
			b.want(`"inputRequests"`)
		}
	}
}

func TestProgressNeedsItsRequest(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	progress := func(token string) string {
		return `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":` + token + `,"progress":1}}`
	}
	b.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","_meta":{"progressToken":"p"}}}`)
	s.next()
	s.say(progress(`"other"`), progress(`"p"`))
	if got := b.read(); got != progress(`"p"`) {
		t.Fatalf("got %s", got)
	}
	s.say(answer("1", "done"))
	b.want("done")
	s.say(progress(`"p"`))
	s.nothing(b)
	b.close()
	b.recorded(is{kind: audit.KindRefusal, code: "gateway_orphan"})
}

func TestNotificationsOfTheServerAreRateBounded(t *testing.T) {
	s := newScripted(t)
	now := make(chan struct{})
	clock := newClock()
	b := openDoor(t, rows(), func(o *Options) { s.behind(o); o.Now = clock.now }).shaken()
	go func() {
		defer close(now)
		for range 3 * notesPerSecond {
			s.say(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}`)
		}
		s.say(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x"}}`)
	}()
	n := 0
	for ; strings.Contains(b.read(), "notifications/message"); n++ {
	}
	if n != notesPerSecond {
		t.Errorf("%d passed, want %d", n, notesPerSecond)
	}
	<-now
	b.close()
	for _, r := range b.recorded(is{code: "limit_rate"}) {
		if r.Code == "limit_rate" {
			has(t, r.Reason, "200 more")
		}
	}
}

// A flood of what belongs to nothing becomes counted records.
func TestOddMessagesHaveAQuota(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	for i := range 10 * oddBurst {
		s.say(answer(fmt.Sprint(i), "x"))
	}
	s.nothing(b)
	b.close()
	all := b.logged()
	if n := (is{code: "gateway_orphan"}).in(all); n != oddBurst+1 {
		t.Errorf("%d records, want %d and one that counts", n, oddBurst)
	}
	has(t, all[len(all)-1].Reason, fmt.Sprintf("%d more", 9*oddBurst))
}
