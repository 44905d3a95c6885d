package gateway

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/wire"
)

const echoed = "upstream-credential-0123456789"

// masking is what a house gives to its doors.
func masking(t *testing.T) func([]byte) []byte {
	t.Helper()
	r, err := redact.New(redact.Options{Returned: []string{echoed}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Message
}

// everything of the protocol in which a server may say what it has seen, to a
// client of the legacy era: answers, by JSON and by events, and all that may come
// before them in the same stream.
func TestNothingBringsACredentialBack(t *testing.T) {
	in64 := base64.StdEncoding.EncodeToString([]byte("x" + echoed + "yz"))
	says := map[string]string{
		"tools/call":     `{"content":[{"type":"text","text":"a ` + echoed + ` b"}],"structuredContent":{"k":"` + in64 + `"}}`,
		"resources/read": `{"contents":[{"uri":"x:y","text":"` + echoed + `"}]}`,
		"prompts/get":    `{"messages":[{"role":"user","content":{"type":"text","text":"` + echoed + `"}}]}`,
		"prompts/list":   `{"prompts":[{"name":"p","description":"` + echoed + `"}]}`,
		"resources/list": `{"resources":[{"uri":"x:y","name":"` + echoed + `"}]}`,
		"tools/list":     `{"tools":[{"name":"read","description":"` + echoed + `","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]}`,
		"initialize":     `{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{},"resources":{},"logging":{}},"serverInfo":{"name":"s","version":"1"},"instructions":"use ` + echoed + `"}`,
	}
	before := []string{
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"` + echoed + `"}}`,
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"pt","progress":1,"message":"` + echoed + `"}}`,
	}
	for _, masked := range []bool{false, true} {
		for _, kind := range []string{"json", "events", "error"} {
			t.Run(fmt.Sprintf("masked=%t/%s", masked, kind), func(t *testing.T) {
				w := openWeb(t, policy.Options{}, func(o *HTTPOptions, s *site) {
					if masked {
						o.Door.Mask = masking(t)
					}
					s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						body, _ := io.ReadAll(r.Body)
						m, err := wire.Parse(body, wire.Limits{AllowNewlines: true})
						if r.Method != http.MethodPost || err != nil || m.Kind != wire.KindRequest {
							w.WriteHeader(http.StatusAccepted)
							return
						}
						if m.Method == "initialize" {
							w.Header().Set("Mcp-Session-Id", "up-1")
						}
						said := result(m, says[m.Method])
						if kind == "error" && m.Method != "initialize" && m.Method != "tools/list" {
							said = `{"jsonrpc":"2.0","id":` + string(m.ID) + `,"error":{"code":-32000,"message":"` + echoed + `","data":{"h":"` + in64 + `"}}}`
						}
						if kind != "events" || m.Method == "initialize" {
							sayJSON(w, said)
							return
						}
						w.Header().Set("Content-Type", "text/event-stream")
						for _, b := range before {
							if m.Method == "tools/list" {
								break
							}
							fmt.Fprintf(w, "id: %s-1\ndata: %s\n\n", echoed, b)
						}
						fmt.Fprintf(w, "data: %s\n\n", said)
					})
				})
				var all bytes.Buffer
				shake := w.post(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}`)
				all.WriteString(shake.body)
				id := shake.header.Get("Mcp-Session-Id")
				w.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Mcp-Session-Id", id)
				n := 1
				for method, params := range map[string]string{
					"tools/call": `{"name":"read","arguments":{},"_meta":{"progressToken":"pt"}}`, "resources/read": `{"uri":"x:y"}`,
					"prompts/get": `{"name":"p"}`, "prompts/list": `{}`, "resources/list": `{}`, "tools/list": `{}`,
				} {
					n++
					got := w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}`, n, method, params), "Mcp-Session-Id", id)
					all.WriteString(got.body)
					leak := strings.Contains(got.body, echoed) || strings.Contains(got.body, in64[4:36])
					if leak == masked {
						t.Errorf("%s: the credential is there: %t\n%s", method, leak, got.body)
					}
					if kind == "events" && method == "tools/call" {
						has(t, got.body, "notifications/message", "notifications/progress")
					}
				}
				if strings.Contains(shake.body, echoed) == masked {
					t.Errorf("instructions: %s", shake.body)
				}
				if masked != strings.Contains(all.String(), "[REDACTED:known]") {
					t.Errorf("the mark: %s", all.String())
				}
			})
		}
	}
}

// A question that a result of the modern era asks, and its state.
func TestNoQuestionBringsACredentialBack(t *testing.T) {
	for _, masked := range []bool{false, true} {
		w := openWeb(t, policy.Options{}, func(o *HTTPOptions, s *site) {
			if masked {
				o.Door.Mask = masking(t)
			}
			s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
				sayJSON(w, result(m, `{"resultType":"input_required","requestState":"`+echoed+`","inputRequests":{"q":{"method":"elicitation/create","params":{"mode":"form","message":"`+
					echoed+`","requestedSchema":{"type":"object","properties":{}}}}}}`))
			}
		})
		got := w.post(strings.Replace(modernRead("1", "read", `{}`), `Capabilities":{}`, `Capabilities":{"elicitation":{}}`, 1), modernFields("read")...).want(t, http.StatusOK, "input_required", "asked by the server up")
		if n := strings.Count(got.body, echoed); masked != (n == 0) || n == 1 {
			t.Errorf("masked %t: %s", masked, got.body)
		}
	}
}
