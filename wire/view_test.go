package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// view is what of a Message the table compares.
type view struct {
	Kind                                                                    Kind
	ID, Key, Method, Params, Name, Arguments, Meta, Version, Progress, PKey string
	Era                                                                     Era
	Mode, CancelID, CancelKey, Result, Error, TaskID                        string
	HasBeside, HasInputResponses, IsError                                   bool
	ResultKind                                                              ResultKind
}

func viewOf(m *Message) view {
	return view{
		m.Kind, string(m.ID), m.Key, m.Method, string(m.Params), m.Name, string(m.Arguments), string(m.Meta), m.Version,
		string(m.ProgressToken), m.ProgressKey, m.Era, m.ElicitationMode, string(m.CancelID), m.CancelKey,
		string(m.Result), string(m.Error), m.TaskID, m.HasBeside, m.HasInputResponses, m.IsError, m.ResultKind,
	}
}

func TestParseView(t *testing.T) {
	tests := []struct {
		in   string
		want view
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, view{Kind: KindRequest, ID: "1", Key: "n:1", Method: "ping"}},
		{`{"params":{"arguments":{"a": 1},"_meta":{"progressToken":"p"},"name":"t\u0031"},"method":"tools/call","id":"1","jsonrpc":"2.0"}`,
			view{Kind: KindRequest, ID: `"1"`, Key: "s:1", Method: "tools/call", Name: "t1", Arguments: `{"a": 1}`,
				Params: `{"arguments":{"a": 1},"_meta":{"progressToken":"p"},"name":"t\u0031"}`,
				Meta:   `{"progressToken":"p"}`, Progress: `"p"`, PKey: "s:p"}},
		{call(`{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"requestState":"x"}`),
			view{Kind: KindRequest, ID: "1", Key: "n:1", Method: "tools/call", Name: "t", Era: EraModern, Version: "2026-07-28",
				Params: `{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"requestState":"x"}`,
				Meta:   `{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`, HasInputResponses: true, HasBeside: true}},
		{`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`,
			view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "initialize", Version: "2025-11-25", Params: `{"protocolVersion":"2025-11-25"}`}},
		{`{"jsonrpc":"2.0","id":0,"method":"resources/read","params":{"uri":"file:///a","task":{}}}`,
			view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "resources/read", Name: "file:///a", Params: `{"uri":"file:///a","task":{}}`}},
		{`{"jsonrpc":"2.0","id":0,"method":"tasks/get","params":{"taskId":"7"}}`,
			view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "tasks/get", Name: "7", Params: `{"taskId":"7"}`}},
		{`{"jsonrpc":"2.0","id":0,"method":"tasks/list"}`, view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "tasks/list"}},
		{`{"jsonrpc":"2.0","id":0,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"name":"q"}}`,
			view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "completion/complete", Name: "p", Params: `{"ref":{"type":"ref/prompt","name":"p"},"name":"q"}`}},
		{`{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{"message":"x"}}`,
			view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "elicitation/create", Mode: "form", Params: `{"message":"x"}`}},
		{`{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{"mode":"url"}}`,
			view{Kind: KindRequest, ID: "0", Key: "n:0", Method: "elicitation/create", Mode: "url", Params: `{"mode":"url"}`}},
		{`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1.0}}`,
			view{Kind: KindNotification, Method: "notifications/cancelled", CancelID: "1.0", CancelKey: "n:1", Params: `{"requestId":1.0}`}},
		{`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":3,"progress":1}}`,
			view{Kind: KindNotification, Method: "notifications/progress", Progress: "3", PKey: "n:3", Params: `{"progressToken":3,"progress":1}`}},
		{result(`{"content":[],"isError":true,"_meta":{"a":1}}`),
			view{Kind: KindResult, ID: "1", Key: "n:1", Result: `{"content":[],"isError":true,"_meta":{"a":1}}`, IsError: true, Meta: `{"a":1}`, ResultKind: ResultComplete}},
		{result(`{"resultType":"complete","ISERROR":true}`),
			view{Kind: KindResult, ID: "1", Key: "n:1", Result: `{"resultType":"complete","ISERROR":true}`, ResultKind: ResultComplete}},
		{result(`{"resultType":"task","taskId":"7"}`),
			view{Kind: KindResult, ID: "1", Key: "n:1", Result: `{"resultType":"task","taskId":"7"}`, TaskID: "7", ResultKind: ResultTask}},
		{result(`{"task":{"taskId":"7"}}`),
			view{Kind: KindResult, ID: "1", Key: "n:1", Result: `{"task":{"taskId":"7"}}`, TaskID: "7", ResultKind: ResultComplete}},
		{result(`{"resultType":"later"}`), view{Kind: KindResult, ID: "1", Key: "n:1", Result: `{"resultType":"later"}`, ResultKind: ResultOther}},
		{`{"jsonrpc":"2.0","id":null,"error":{"code":1}}`, view{Kind: KindError, ID: "null", Error: `{"code":1}`}},
	}
	for _, tt := range tests {
		m, err := Parse([]byte(" "+tt.in+"\r\n"), Limits{})
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := viewOf(m); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.in, got, tt.want)
		}
	}
}

func TestInputRequests(t *testing.T) {
	m, err := Parse([]byte(result(`{"inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"url","url":"https://x"}},`+
		`"b":{"method":"sampling/createMessage"}},"resultType":"input_required"}`)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.InputRequests) != 2 || m.ResultKind != ResultInputRequired {
		t.Fatalf("got %+v", m.InputRequests)
	}
	a, b := m.InputRequests[0], m.InputRequests[1]
	if a.Key != "a" || a.Method != "elicitation/create" || a.ElicitationMode != "url" || string(a.Params) != `{"mode":"url","url":"https://x"}` {
		t.Errorf("got %+v", a)
	}
	if start, end, ok := m.Offset(a.Params); !ok || string(m.Raw[start:end]) != string(a.Params) {
		t.Error("params of an input request are not part of the message")
	}
	if b.Method != "sampling/createMessage" || b.Params != nil {
		t.Errorf("got %+v", b)
	}
}

// A client may look at the requests alone, so they are read wherever they stand.
func TestInputRequestsWhereverTheyStand(t *testing.T) {
	const asks = `"inputRequests":{"a":{"method":"sampling/createMessage","params":{}},"b":{"method":"elicitation/create","params":{"mode":"url"}}}`
	for name, in := range map[string]string{
		"no resultType":      result(`{` + asks + `}`),
		"complete":           result(`{"resultType":"complete","status":"input_required",` + asks + `}`),
		"task":               result(`{"resultType":"task","taskId":"1",` + asks + `}`),
		"another resultType": result(`{` + asks + `,"resultType":"Input_required"}`),
		"inside task":        result(`{"task":{"taskId":"1",` + asks + `}}`),
		"notification":       `{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"1",` + asks + `}}`,
	} {
		m, err := Parse([]byte(in), Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := m.InputRequests; len(n) != 2 || n[0].Method != "sampling/createMessage" || n[1].ElicitationMode != "url" {
			t.Errorf("%s: got %+v", name, n)
		}
	}
	for _, in := range []string{result(`{"inputRequests":null}`), result(`{"content":[{` + asks + `}]}`),
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t",` + asks + `}}`} { // a request asks nobody within it
		if m, err := Parse([]byte(in), Limits{}); err != nil || len(m.InputRequests) > 0 {
			t.Errorf("%s: %v, %+v", in, err, m)
		}
	}
}

func TestElicitationsOfErrors(t *testing.T) {
	m, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[`+
		`{"mode":"url","url":"https://x","message":"a"},{"url":"https://y"},{"mode":"form"}]}}}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var modes []string
	for _, ask := range m.InputRequests {
		if start, end, ok := m.Offset(ask.Params); !ok || string(m.Raw[start:end]) != string(ask.Params) || ask.Method != "elicitation/create" {
			t.Errorf("got %+v", ask)
		}
		modes = append(modes, ask.ElicitationMode)
	}
	if got := strings.Join(modes, " "); got != "url url form" {
		t.Errorf("modes %s", got)
	}
	for data, code := range map[string]ostiary.Code{
		`null`: "", `[]`: "", `"x"`: "", `{"elicitations":null}`: "", `{"elicitations":[]}`: "", `{"a":{"elicitations":5}}`: "",
		`{"elicitations":{}}`:                          ostiary.CodeWireEnvelope,
		`{"elicitations":["x"]}`:                       ostiary.CodeWireEnvelope,
		`{"elicitations":[{"mode":5}]}`:                ostiary.CodeWireParams,
		`{"elicitations":[{"mode":"url","Mode":""}]}`:  ostiary.CodeWireDuplicate,
		`{"elicitations":[{"Mode":"form"}]}`:           ostiary.CodeWireDuplicate,
		`{"elicitations":[{"message":"\ud83d"}]}`:      ostiary.CodeWireUTF8,
		`{"elicitations":[{"a":1}],"elicitations":[]}`: ostiary.CodeWireDuplicate,
	} {
		m, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"m","data":`+data+`}}`), Limits{})
		switch {
		case code != "" && !errors.Is(err, code):
			t.Errorf("%s: %v, want %s", data, err, code)
		case code == "" && (err != nil || len(m.InputRequests) > 0 || m.ResultTwin):
			t.Errorf("%s: %v, %+v", data, err, m)
		}
	}
	for _, in := range []string{`{"Data":{}}`, `{"data":{"Elicitations":[]}}`} {
		if m, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"error":`+in+`}`), Limits{}); err != nil || !m.ResultTwin {
			t.Errorf("%s: %v, %+v", in, err, m)
		}
	}
}

func TestIDKey(t *testing.T) {
	same := [][]string{
		{`1`, `1.0`, `1e0`, `10e-1`, `0.1E+1`, `1.000`}, {`0`, `-0`, `0.0`, `0e99`}, {`100`, `1e2`, `1E+2`},
		{`1e30`, `1000000000000000000000000000000`}, {`"a"`, `"\u0061"`}, {`-1.5`, `-15e-1`},
		{`9007199254740993`}, {`9007199254740992`}, {`"1"`}, {`""`}, {`0.1`}, {`1e-30`}, {`-1`}, {`10`}, {`"n:1"`},
	}
	owner := map[string]int{}
	for i, group := range same {
		for _, tok := range group {
			k := idKey([]byte(tok))
			if k == "" {
				t.Errorf("%s has no key", tok)
			}
			if j, ok := owner[k]; ok && j != i {
				t.Errorf("%s: key %s belongs to %s too", tok, k, same[j][0])
			} else if len(owner) > 0 && !ok && tok != group[0] {
				t.Errorf("%s: key %s differs from that of %s", tok, k, group[0])
			}
			owner[k] = i
		}
	}
	for _, tok := range []string{`null`, `true`, `{}`, `[]`, ``, `1e99999999999999999999`, `"\ud800"`} {
		if k := idKey([]byte(tok)); k != "" {
			t.Errorf("%s has the key %s", tok, k)
		}
	}
}
