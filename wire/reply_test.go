package wire

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func TestRefusal(t *testing.T) {
	d := ostiary.Decision{
		Code: ostiary.CodeLimitRate, Stage: "limit", Reason: "secret reason", Message: "wait \"a\" bit\n\xff<b>",
		RetryAfter: 1500*time.Millisecond + 1,
	}
	meta := `{"code":"limit_rate","stage":"limit","call":"c1","retryAfter":1.501}`
	text := `"wait \"a\" bit\n` + "\uFFFD" + `<b>"`
	for _, tt := range []struct {
		name string
		m    *Message
		want string
	}{
		{"legacy tool", &Message{Kind: KindRequest, ID: []byte(`"x"`), Method: "tools/call"},
			`{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"text","text":` + text + `}],"isError":true,"_meta":{"ostiary/decision":` + meta + `}}}`},
		{"modern tool", &Message{Kind: KindRequest, ID: []byte(`1`), Method: "tools/call", Era: EraModern},
			`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":` + text + `}],"isError":true,"_meta":{"ostiary/decision":` + meta + `}}}`},
		{"other", &Message{Kind: KindRequest, ID: []byte(`1`), Method: "resources/read"},
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":` + text + `,"data":` + meta + `}}`},
		{"notification", &Message{Kind: KindNotification, Method: "tools/call"}, ""},
		{"response", &Message{Kind: KindResult, ID: []byte("1")}, ""},
	} {
		got := Refusal(tt.m, "c1", d)
		if string(got) != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if got == nil {
			continue
		}
		m, err := Parse(got, Limits{})
		if err != nil {
			t.Errorf("%s: own reply refused: %v", tt.name, err)
		} else if txt := Text(append(m.Result, m.Error...), 4); txt != "wait" {
			t.Errorf("%s: Text = %q", tt.name, txt)
		}
	}
	got := string(RefusalMalformed([]byte(`{"jsonrpc":"2.0","id":7,"method":"x","method":"y"}`), "c1",
		ostiary.Decision{Code: ostiary.CodeWireBatch, Stage: "wire", Message: "no"}))
	if want := `{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"no","data":{"code":"wire_batch","stage":"wire","call":"c1"}}}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestErrorReply(t *testing.T) {
	for _, tt := range []struct {
		got  []byte
		want string
	}{
		{ErrorReply(nil, -32700, "a", nil), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"a"}}`},
		{ErrorReply([]byte("1"), 1, "a", map[string]any{"k": json.RawMessage("[1,\n2]")}), `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"a","data":{"k":[1,2]}}}`},
	} {
		if string(tt.got) != tt.want {
			t.Errorf("got %s", tt.got)
		}
	}
	if got := string(ErrorReply([]byte("1"), 1, "a", math.NaN())); !strings.Contains(got, "-32603") {
		t.Errorf("got %s", got)
	}
}

func TestRPCCode(t *testing.T) {
	for code, want := range map[ostiary.Code]int{
		ostiary.CodeWireParse: -32700, ostiary.CodeWireUTF8: -32700, ostiary.CodeWireTrailing: -32700, ostiary.CodeWireDuplicate: -32700,
		ostiary.CodeWireEnvelope: -32600, ostiary.CodeWireBatch: -32600, ostiary.CodeWireDepth: -32600, ostiary.CodeWireSize: -32600,
		ostiary.CodeWireParams: -32600, ostiary.CodeWireID: -32600, ostiary.CodeWireVersion: -32022,
		ostiary.CodePolicyMethod: -32601, ostiary.CodePanic: -32603, ostiary.CodeInternal: -32603,
		ostiary.CodePolicyDeny: -32010, ostiary.CodeApprovalRequired: -32010, "": -32010,
	} {
		if got := RPCCode(code); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestRecoverID(t *testing.T) {
	for in, want := range map[string]string{
		`{"jsonrpc":"2.0","id":7,"method":"x","params":[]}`:                                          `7`,
		` {"id":"a","method":"x","params":{"id":3,"a":1,"A":2}} `:                                    `"a"`,
		"{\"id\":1,\"method\":\"x\",\"p\":\"\xff\"}":                                                 `1`,
		`{"id":1,"method":"x","params":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`: `1`,
		`{"id":1,"id":2,"method":"x"}`:                                                               ``,
		`{"id":1,"ID":2,"method":"x"}`:                                                               ``,
		`{"ID":2,"method":"x"}`:                                                                      ``,
		`{"id":1,"\u0069d":2,"method":"x"}`:                                                          ``,
		`{"id":null,"method":"x"}`:                                                                   ``,
		`{"id":"\ud800","method":"x"}`:                                                               ``,
		`{"id":1,"result":{},"method":"x"}`:                                                          ``,
		`{"id":1,"result":{}}`:                                                                       ``,
		`{"id":1}`:                                                                                   ``,
		`{"id":1,"method":"x"}{"id":2,"method":"x"}`:                                                 ``,
		`{"id":1,"method":"x"`:                                                                       ``,
		`{"id":1,"method":"x",}`:                                                                     ``,
		`[{"id":1,"method":"x"}]`:                                                                    ``,
		`"id"`:                                                                                       ``,
		``:                                                                                           ``,
	} {
		if got := RecoverID([]byte(in)); string(got) != want || (got == nil) != (want == "") {
			t.Errorf("%.60s: %q, want %q", in, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in   string
		max  int
		want string
	}{
		{`{"content":[{"type":"text","text":"ab"},{"type":"image","data":"zz"},{"type":"text","text":"cd"}]}`, 10, "ab\ncd"},
		{`{"content":[{"type":"text","text":"ab"},{"type":"text","text":"cd"}]}`, 4, "ab\nc"},
		{`{"content":[{"type":"resource","resource":{"uri":"x","text":"in"}}]}`, 10, "in"},
		{`{"contents":[{"uri":"x","text":"r\u00e9s\ud83d\ude00um"}]}`, 4, "rés😀"},
		{`{"contents":[{"text":"a\ud83db\ud83d"}]}`, 10, "a\uFFFDb\uFFFD"},
		{`{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}]}`, 10, "hi"},
		{`{"code":1,"message":"no\tway"}`, 10, "no\tway"},
		{`{"taskId":"1","status":"completed","result":{"content":[{"text":"done"}]}}`, 10, "done"},
		{`{"content":[{"text":5},"text",null]}`, 10, ""},
		{`{"structuredContent":{"text":"no"}}`, 10, ""},
		{`{"content":[{"text":"ab"}`, 10, "ab"},
		{`{"content":[{"text":"ab"}]}`, 0, ""},
		{`{"content":[{"text":"` + strings.Repeat("é", 99) + `"},{"text":"no"}]}`, 5, "ééééé"},
		{`{"content":[{"text":"` + strings.Repeat("é", 99) + `"}]}`, 4, "éééé"},
		{`{"content":[{"text":"` + strings.Repeat("a", 15) + `\u000a"}]}`, 4, "aaaa"},
		{`{"content":[{"text":"ab"},{"text":"` + strings.Repeat("c", 99) + `"}]}`, 5, "ab\ncc"},
		{`{"content":[{"text":"` + strings.Repeat("a\xff", 99) + `"}]}`, 3, "a\uFFFDa"},
		{`{"content":[{"text":"` + strings.Repeat("a", 99), 2, "aa"},
		{``, 5, ""}, {`null`, 5, ""}, {`"text"`, 5, ""},
	} {
		if got := Text([]byte(tt.in), tt.max); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.in, got, tt.want)
		}
	}
}
