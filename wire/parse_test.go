package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func call(params string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`
}

func note(params string) string {
	return `{"jsonrpc":"2.0","method":"x/y","params":` + params + `}`
}

func result(r string) string { return `{"jsonrpc":"2.0","id":1,"result":` + r + `}` }

func TestParseRefuses(t *testing.T) {
	manyKeys := func(extra string) string {
		var b strings.Builder
		b.WriteString(`{"name":"t","arguments":{`)
		for i := range 100 {
			b.WriteString(`"key` + strings.Repeat("a", i) + `":1,`)
		}
		return b.String() + extra + `:1}}`
	}
	tests := []struct {
		name, in string
		code     ostiary.Code
	}{
		{"empty", ``, ostiary.CodeWireParse},
		{"space", " \n", ostiary.CodeWireParse},
		{"not JSON", `hello`, ostiary.CodeWireParse},
		{"cut off", `{"jsonrpc":"2.0","id":1,"method":"ping"`, ostiary.CodeWireParse},
		{"cut off in a string", `{"jsonrpc":"2.0`, ostiary.CodeWireParse},
		{"comma at the end", `{"jsonrpc":"2.0","id":1,"method":"ping",}`, ostiary.CodeWireParse},
		{"comment", `{"jsonrpc":"2.0","id":1,/**/"method":"ping"}`, ostiary.CodeWireParse},
		{"NaN", call(`{"name":"t","arguments":{"a":NaN}}`), ostiary.CodeWireParse},
		{"leading zero", `{"jsonrpc":"2.0","id":01,"method":"ping"}`, ostiary.CodeWireParse},
		{"name not a string", `{"jsonrpc":"2.0",1:2}`, ostiary.CodeWireParse},
		{"raw NUL", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\x00ng\"}", ostiary.CodeWireParse},
		{"BOM", "\xef\xbb\xbf" + `{"jsonrpc":"2.0","id":1,"method":"ping"}`, ostiary.CodeWireParse},

		{"invalid UTF-8 in params", call("{\"name\":\"t\xff\"}"), ostiary.CodeWireUTF8},
		{"invalid UTF-8 in a result", result("\"\xc3\""), ostiary.CodeWireUTF8},
		{"encoded surrogate", call("{\"name\":\"\xed\xa0\x80\"}"), ostiary.CodeWireUTF8},
		{"overlong", call("{\"name\":\"\xc0\xaf\"}"), ostiary.CodeWireUTF8},
		{"lone surrogate in arguments", call(`{"name":"t","arguments":{"a":"\ud800"}}`), ostiary.CodeWireUTF8},
		{"lone low surrogate", call(`{"name":"t","arguments":{"a":"\uDC00"}}`), ostiary.CodeWireUTF8},
		{"two high surrogates", call(`{"name":"t","arguments":{"a":"\ud83d\ud83d\ude00"}}`), ostiary.CodeWireUTF8},
		{"lone surrogate in a key", call(`{"name":"t","arguments":{"\ud800":1}}`), ostiary.CodeWireUTF8},
		{"lone surrogate in a notification", note(`{"a":["\ud800"]}`), ostiary.CodeWireUTF8},
		{"lone surrogate in the method", `{"jsonrpc":"2.0","id":1,"method":"\ud800"}`, ostiary.CodeWireUTF8},
		{"lone surrogate in the id", `{"jsonrpc":"2.0","id":"\ud800","result":{}}`, ostiary.CodeWireUTF8},
		{"lone surrogate in a name", call(`{"name":"\ud800"}`), ostiary.CodeWireUTF8},

		{"two messages", `{"jsonrpc":"2.0","id":1,"method":"ping"} {}`, ostiary.CodeWireTrailing},
		{"bracket behind", `{"jsonrpc":"2.0","id":1,"method":"ping"}}`, ostiary.CodeWireTrailing},
		{"NUL behind", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\x00", ostiary.CodeWireTrailing},
		{"line break inside", "{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"ping\"}", ostiary.CodeWireTrailing},
		{"CR inside", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":[\r" + call(`{"name":"evil"}`) + "\r]}", ostiary.CodeWireTrailing},

		{"batch", `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, ostiary.CodeWireBatch},
		{"empty batch", `[]`, ostiary.CodeWireBatch},
		{"string", `"ping"`, ostiary.CodeWireEnvelope},
		{"null", `null`, ostiary.CodeWireEnvelope},
		{"no jsonrpc", `{"id":1,"method":"ping"}`, ostiary.CodeWireEnvelope},
		{"jsonrpc 1.0", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, ostiary.CodeWireEnvelope},
		{"jsonrpc number", `{"jsonrpc":2.0,"id":1,"method":"ping"}`, ostiary.CodeWireEnvelope},
		{"nothing", `{"jsonrpc":"2.0","id":1}`, ostiary.CodeWireEnvelope},
		{"method and result", `{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, ostiary.CodeWireEnvelope},
		{"method and error", `{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}`, ostiary.CodeWireEnvelope},
		{"result and error", `{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`, ostiary.CodeWireEnvelope},
		{"result and params", `{"jsonrpc":"2.0","id":1,"result":{},"params":{}}`, ostiary.CodeWireEnvelope},
		{"error is a string", `{"jsonrpc":"2.0","id":1,"error":"no"}`, ostiary.CodeWireEnvelope},
		{"method number", `{"jsonrpc":"2.0","id":1,"method":1}`, ostiary.CodeWireEnvelope},
		{"method null", `{"jsonrpc":"2.0","id":1,"method":null}`, ostiary.CodeWireEnvelope},
		{"method empty", `{"jsonrpc":"2.0","id":1,"method":""}`, ostiary.CodeWireEnvelope},

		{"id null in a request", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, ostiary.CodeWireID},
		{"id null in a result", `{"jsonrpc":"2.0","id":null,"result":{}}`, ostiary.CodeWireID},
		{"id missing in a result", `{"jsonrpc":"2.0","result":{}}`, ostiary.CodeWireID},
		{"id object", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, ostiary.CodeWireID},
		{"id true", `{"jsonrpc":"2.0","id":true,"method":"ping"}`, ostiary.CodeWireID},
		{"id array in an error", `{"jsonrpc":"2.0","id":[],"error":{}}`, ostiary.CodeWireID},
		{"id beyond measure", `{"jsonrpc":"2.0","id":1e99999999999999999999,"method":"ping"}`, ostiary.CodeWireID},

		{"params array", `{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}`, ostiary.CodeWireParams},
		{"params null", `{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`, ostiary.CodeWireParams},
		{"params array in a notification", note(`[]`), ostiary.CodeWireParams},
		{"no params in tools/call", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, ostiary.CodeWireParams},
		{"no name", call(`{}`), ostiary.CodeWireParams},
		{"name number", call(`{"name":1}`), ostiary.CodeWireParams},
		{"name null", call(`{"name":null}`), ostiary.CodeWireParams},
		{"name empty", call(`{"name":""}`), ostiary.CodeWireParams},
		{"name of a prompt", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":[]}}`, ostiary.CodeWireParams},
		{"no uri", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}`, ostiary.CodeWireParams},
		{"uri number", `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":1}}`, ostiary.CodeWireParams},
		{"uri null", `{"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":null}}`, ostiary.CodeWireParams},
		{"no task", `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{}}`, ostiary.CodeWireParams},
		{"no ref", `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}`, ostiary.CodeWireParams},
		{"two refs", `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"name":"a","uri":"b"}}}`, ostiary.CodeWireParams},
		{"arguments array", call(`{"name":"t","arguments":[]}`), ostiary.CodeWireParams},
		{"arguments null", call(`{"name":"t","arguments":null}`), ostiary.CodeWireParams},
		{"_meta null", call(`{"name":"t","_meta":null}`), ostiary.CodeWireParams},
		{"_meta array in a notification", note(`{"_meta":[]}`), ostiary.CodeWireParams},
		{"version number", call(`{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":1}}`), ostiary.CodeWireParams},
		{"initialize version number", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}}`, ostiary.CodeWireParams},
		{"progressToken object", call(`{"name":"t","_meta":{"progressToken":{}}}`), ostiary.CodeWireParams},
		{"mode number", `{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"mode":1}}`, ostiary.CodeWireParams},
		{"requestId object", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}`, ostiary.CodeWireParams},

		{"method twice", `{"jsonrpc":"2.0","id":1,"method":"ping","method":"pong"}`, ostiary.CodeWireDuplicate},
		{"method twice, once escaped", `{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"pong"}`, ostiary.CodeWireDuplicate},
		{"method and Method", `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"pong"}`, ostiary.CodeWireDuplicate},
		{"Method alone", `{"jsonrpc":"2.0","id":1,"Method":"ping","result":{}}`, ostiary.CodeWireDuplicate},
		{"ID alone", `{"jsonrpc":"2.0","ID":1,"method":"ping"}`, ostiary.CodeWireDuplicate},
		{"paramſ alone", `{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}`, ostiary.CodeWireDuplicate},
		{"unknown twins in the envelope", `{"jsonrpc":"2.0","id":1,"method":"ping","x":1,"X":2}`, ostiary.CodeWireDuplicate},
		{"envelope twins of a response", `{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}`, ostiary.CodeWireDuplicate},
		{"name twice", call(`{"name":"t","name":"u"}`), ostiary.CodeWireDuplicate},
		{"Name alone", call(`{"name":"t","Arguments":{}}`), ostiary.CodeWireDuplicate},
		{"URI alone", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"URI":"x"}}`, ostiary.CodeWireDuplicate},
		{"progreſſToken", call(`{"name":"t","_meta":{"progreſſToken":1}}`), ostiary.CodeWireDuplicate},
		{"version in another case", call(`{"name":"t","_meta":{"IO.modelcontextprotocol/protocolVersion":"2026-07-28"}}`), ostiary.CodeWireDuplicate},
		{"ref.Name", `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"name":"a","Uri":"b"}}}`, ostiary.CodeWireDuplicate},
		{"argument twice", call(`{"name":"t","arguments":{"path":1,"path":2}}`), ostiary.CodeWireDuplicate},
		{"argument in two cases", call(`{"name":"t","arguments":{"path":1,"PATH":2}}`), ostiary.CodeWireDuplicate},
		{"argument escaped", call(`{"name":"t","arguments":{"path":1,"\u0050ath":2}}`), ostiary.CodeWireDuplicate},
		{"long s", call(`{"name":"t","arguments":{"so":1,"ſo":2}}`), ostiary.CodeWireDuplicate},
		{"Kelvin", call(`{"name":"t","arguments":{"key":1,"Key":2}}`), ostiary.CodeWireDuplicate},
		{"Greek", call(`{"name":"t","arguments":{"σ":1,"ς":2}}`), ostiary.CodeWireDuplicate},
		{"deep twins", call(`{"name":"t","arguments":{"a":[{"b":[[{"c":1,"C":2}]]}]}}`), ostiary.CodeWireDuplicate},
		{"deep twins in a notification", note(`{"a":{"b":1,"B":2}}`), ostiary.CodeWireDuplicate},
		{"twins in _meta", call(`{"name":"t","_meta":{"x":{"a":1,"A":1}}}`), ostiary.CodeWireDuplicate},
		{"twins among many", call(manyKeys(`"KEYA"`)), ostiary.CodeWireDuplicate},
		{"same among many", call(manyKeys(`"keya"`)), ostiary.CodeWireDuplicate},
		{"twice deep in a result", result(`{"a":[{"b":1,"b":2}]}`), ostiary.CodeWireDuplicate},
		{"twice in an unknown member", `{"jsonrpc":"2.0","id":1,"method":"ping","x":{"a":1,"a":1}}`, ostiary.CodeWireDuplicate},

		{"too deep", call(`{"name":"t","arguments":{"a":` + strings.Repeat("[", 126) + strings.Repeat("]", 126) + `}}`), ostiary.CodeWireDepth},
		{"too deep a result", result(strings.Repeat(`{"a":`, 128) + "1" + strings.Repeat("}", 128)), ostiary.CodeWireDepth},
		{"far too deep", call(`{"a":` + strings.Repeat("[", 1<<20)), ostiary.CodeWireDepth},

		{"input_required without object", result(`{"resultType":"input_required","inputRequests":[]}`), ostiary.CodeWireEnvelope},
		{"input request without method", result(`{"resultType":"input_required","inputRequests":{"a":{"params":{}}}}`), ostiary.CodeWireEnvelope},
		{"input request with params array", result(`{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list","params":[]}}}`), ostiary.CodeWireEnvelope},
		{"input request with twins", result(`{"inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"form","Mode":"url"}}},"resultType":"input_required"}`), ostiary.CodeWireDuplicate},
		{"input request half a pair", result(`{"inputRequests":{"a":{"method":"elicitation/create","params":{"message":"\ud83d"}}},"resultType":"input_required"}`), ostiary.CodeWireUTF8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Parse([]byte(tt.in), Limits{})
			if !errors.Is(err, tt.code) {
				t.Fatalf("Parse = %v, want %s", err, tt.code)
			}
			if m != nil {
				t.Error("a refused message came with a view")
			}
			if e := ostiary.AsError(err); e.Message == "" {
				t.Error("the refusal says nothing to the agent")
			}
		})
	}
}

func TestParseRefusesSize(t *testing.T) {
	in := []byte(call(`{"name":"t"}`))
	if _, err := Parse(append(in, "  \n"...), Limits{MaxBytes: len(in)}); err != nil {
		t.Errorf("a message of exactly MaxBytes: %v", err)
	}
	if _, err := Parse(in, Limits{MaxBytes: len(in) - 1}); !errors.Is(err, ostiary.CodeWireSize) {
		t.Errorf("a message longer than MaxBytes: %v", err)
	}
	if _, err := Parse(make([]byte, 16<<20+1), Limits{}); !errors.Is(err, ostiary.CodeWireSize) {
		t.Errorf("a message longer than 16 MiB: %v", err)
	}
}

// The controls: encoding/json, as an upstream may use it, reads these messages
// otherwise than the door would if it did not refuse them.
func TestRefusedMessagesAreReadOtherwise(t *testing.T) {
	type params struct {
		Name      string                        `json:"name"`
		Arguments struct{ Path, Secret string } `json:"arguments"`
	}
	tests := []struct{ name, in, first, other string }{
		{"duplicate", `{"name":"t","arguments":{"path":"/ws/a","path":"/etc/shadow"}}`, "/ws/a", "/etc/shadow"},
		{"case twin", `{"name":"t","arguments":{"path":"/ws/a","PATH":"/etc/shadow"}}`, "/ws/a", "/etc/shadow"},
		{"escaped twin", `{"name":"t","arguments":{"path":"/ws/a","\u0070ATH":"/etc/shadow"}}`, "/ws/a", "/etc/shadow"},
		{"variant alone", `{"name":"t","Arguments":{"path":"/etc/shadow"}}`, "", "/etc/shadow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p params
			if err := json.Unmarshal([]byte(tt.in), &p); err != nil {
				t.Fatal(err)
			}
			if p.Arguments.Path != tt.other || tt.first == tt.other {
				t.Fatalf("control: encoding/json reads %q, want %q", p.Arguments.Path, tt.other)
			}
			if _, err := Parse([]byte(call(tt.in)), Limits{}); !errors.Is(err, ostiary.CodeWireDuplicate) {
				t.Fatalf("Parse = %v", err)
			}
		})
	}
	// A long s is an s to encoding/json, a Kelvin sign a k.
	var p struct{ Arguments struct{ Secret string } }
	if err := json.Unmarshal([]byte(`{"argumentſ":{"ſecret":"x"}}`), &p); err != nil || p.Arguments.Secret != "x" {
		t.Errorf("control: %v, %q", err, p.Arguments.Secret)
	}
	// A reader that ends lines at CR finds a second message.
	in := "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":[\r" + call(`{"name":"evil"}`) + "\r]}"
	if m, err := Parse([]byte(strings.Split(in, "\r")[1]), Limits{}); err != nil || m.Name != "evil" {
		t.Errorf("control: %v", err)
	}
}

func TestParseAcceptsWhatIsLegal(t *testing.T) {
	deep := call(`{"name":"t","arguments":{"a":` + strings.Repeat("[", 125) + strings.Repeat("]", 125) + `}}`)
	for _, in := range []string{
		deep,
		call(`{"name":"t","arguments":{"a":"\u0000","\u0000":1}}`),
		call(`{"name":"t","arguments":{"a":"\ud83d\ude00"}}`),
		call(`{"name":"t","arguments":{"a":{"k":1},"b":{"K":1}}}`),
		call(`{"name":"t","arguments":{"NAME":1,"URI":2}}`),
		call(`{"name":"t","arguments":{"ß":1,"ss":2,"é":3,"e":4}}`),
		result(`{"a":1,"A":2,"content":[{"type":"text","text":"half \ud83d"}]}`),
		result(`"a string"`), result(`null`), result(`[]`),
		`{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"\ud800"}}`,
		`{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}`,
		`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":"","method":"ping"}`,
		`{"json\u0072pc":"2\u002e0","id":1,"\u006dethod":"p\u0069ng","x":{"a":1,"A":2}}`,
	} {
		m, err := Parse([]byte(in), Limits{})
		if err != nil {
			t.Errorf("%.80s: %v", in, err)
		} else if string(m.Raw) != in {
			t.Errorf("%.80s: Raw differs", in)
		}
	}
	if _, err := Parse([]byte("{\n\"jsonrpc\":\"2.0\",\"id\":1,\r\n\"method\":\"ping\"}"), Limits{AllowNewlines: true}); err != nil {
		t.Error(err)
	}
}
