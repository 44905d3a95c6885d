package gateway

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// open lets everything pass, so that only the relay is tested.
func everything() policy.Options {
	return policy.Options{Rows: []policy.Row{
		{Kind: policy.Tool, Pattern: "up/*", Effect: ostiary.EffectRead, Closed: true},
		{Kind: policy.Resource, Pattern: "up/*", Effect: ostiary.EffectRead, Closed: true},
		{Kind: policy.Method, Pattern: "up/*", Effect: ostiary.EffectRead, Closed: true},
	}}
}

const anyTool = `{"tools":[{"name":"t","inputSchema":{}}]}`

// oddMessages are legal and unusual: whatever is not looked at stays.
var oddMessages = []string{
	`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"t","arguments":{"n":9007199254740993,"f":1.000,"z":-0},"_meta":{"e":1E+400}}}`,
	` { "jsonrpc" :	"2.0" , "id":"a\u0062\"c" ,"method":"tools/call","params":{"name":"t", "arguments" : { } ,"future":{"x":[1,2,{}]} } , "extra":null } `,
	`{"id":1.0,"params":{"name":"t","arguments":{"text":"päö \u00e4 😀 \ud83d\ude00 \u2028 /\/"}},"method":"tools\/call","jsonrpc":"2.0"}`,
	`{"jsonrpc":"2.0","id":-1e2,"method":"tools/call","params":{"name":"t","_meta":{"vendor/x":123456789012345678901234567890,"progressToken":0.50}}}`,
	`{"jsonrpc":"2.0","id":"","method":"resources/read","params":{"uri":"x:\u0000"}}`,
	`{"jsonrpc":"2.0","id":"🐙","method":"vendor/method","params":{"a":{"A":[]}},"trailing":[ ] }`,
	`{"jsonrpc":"2.0","id":0,"method":"ping"}`,
	`{"jsonrpc":"2.0","id":"m","method":"tools/call","params":{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"x":1e0}}}}`,
	`{"jsonrpc":"2.0","method":"notifications/roots/list_changed","params":{"_meta":{"k": 1.10}}}`,
	`{"jsonrpc":"2.0","method":"vendor/note","x":"\ud834\udd1e"}`,
	`{"jsonrpc":"2.0","id":5,"result":{"a":1,"A":2,"s":"\ud800","n":12345678901234567890123,"resultType":"future"}}`,
	`{"result": {"content":[{"type":"hologram","data":[0.10]}],"isError":false},"id":"r","jsonrpc":"2.0","more":{}}`,
	`{"jsonrpc":"2.0","id":7,"error":{"code":-32000.0,"message":"x","data":{"deep":[[[[9007199254740993]]]]},"x":1}}`,
}

// through sends one message on its way and returns what comes out, "" if the
// message is one that the door does not relay as it is.
func through(b *bench, s *scripted, in string) (m *wire.Message, forth, back string) {
	m, err := wire.Parse([]byte(in), wire.Limits{MaxBytes: 1 << 20})
	if err != nil || strings.ContainsAny(in, "\n") {
		return nil, "", ""
	}
	_, known := wire.EraOf(m.Version)
	switch {
	case m.Kind == wire.KindRequest && (m.Method == "initialize" || m.Version != "" && !known || m.Method == "tools/call" && m.Name != "t"),
		misnamed(m, wire.FromClient) != nil,
		m.Kind == wire.KindNotification && (strings.HasSuffix(m.Method, "/cancelled") || strings.HasSuffix(m.Method, "/initialized")),
		m.Kind == wire.KindError && m.Key == "", len(m.InputRequests) > 0:
		return nil, "", ""
	case m.Kind == wire.KindRequest:
		b.send(in)
		forth = s.next()
		s.say(`{"jsonrpc":"2.0","id":` + string(m.ID) + `,"result":{}}`)
		b.read()
		if misnamed(m, wire.FromServer) == nil && m.Method != "tools/call" {
			s.say(in)
			back = b.read()
			b.send(`{"jsonrpc":"2.0","id":` + string(m.ID) + `,"result":{}}`)
			s.next()
			return m, forth, back
		}
		return m, forth, forth
	case m.Kind == wire.KindNotification:
		b.send(in)
		forth = s.next()
		return m, forth, forth
	default:
		b.send(`{"jsonrpc":"2.0","id":` + string(m.ID) + `,"method":"ping"}`)
		s.next()
		s.say(in)
		back = b.read()
		return m, back, back
	}
}

func TestLaw4UntouchedStaysIdentical(t *testing.T) {
	s := newScripted(t)
	s.auto = handshakes(anyTool)
	b := openDoor(t, everything(), s.behind).shaken()
	for _, in := range oddMessages {
		m, forth, back := through(b, s, in)
		if m == nil {
			t.Errorf("not sent: %s", in)
			continue
		}
		if want := strings.Trim(in, " "); forth != want || back != want {
			t.Errorf("in    %s\nforth %s\nback  %s", want, forth, back)
		}
	}
}

// What Parse accepts comes out on the other side with the same bytes.
func FuzzLaw4UntouchedStaysIdentical(f *testing.F) {
	for _, in := range oddMessages {
		f.Add([]byte(in))
	}
	s := newScripted(f)
	s.auto = handshakes(anyTool)
	b := openDoor(f, everything(), s.behind).shaken()
	f.Fuzz(func(t *testing.T, in []byte) {
		b.t, s.t = t, t
		m, forth, back := through(b, s, string(in))
		if m == nil {
			return
		}
		if forth != string(m.Raw) || back != string(m.Raw) {
			t.Fatalf("in    %q\nforth %q\nback  %q", m.Raw, forth, back)
		}
	})
}

// A message that is changed on purpose keeps every byte around the change.
func TestLaw4AChangeIsSplicedIn(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	const before, after = `{"jsonrpc":"2.0", "id":1.50,"method":"elicitation/create","params":{"x":9007199254740993,"message": "`, `Name?","requestedSchema":{}}}`
	s.say(before + after)
	if got, want := b.read(), before+`[asked by the server up] `+after; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}
