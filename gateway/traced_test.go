package gateway

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// TestTraced compares every byte that the server gets of a call that is traced, and
// of the same call where it is not: the control, which is as it came.
func TestTraced(t *testing.T) {
	const ours = `"00-11111111111111111111111111111111-2222222222222222-01"`
	const theirs = `"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`
	const begin = `{"jsonrpc":"2.0", "id":9007199254740993,"method":`
	message := func(rest string) string { return begin + rest + "}" }
	for _, tt := range []struct {
		name, in, out string
		begun         bool
	}{
		{"in another's trace", `"tools/call","params":{"name":"t","_meta":{"a":1.0,"traceparent":` + theirs + `,"tracestate":"v=1","baggage":"k=v"}}`,
			`"tools/call","params":{"name":"t","_meta":{"a":1.0,"traceparent":` + ours + `,"tracestate":"v=1","baggage":"k=v"}}`, false},
		{"a traceparent that is none", `"tools/call","params":{"name":"t","_meta":{"traceparent":"x","tracestate":"v=1" , "baggage":"k=v"}}`,
			`"tools/call","params":{"name":"t","_meta":{"traceparent":` + ours + `,"baggage":"k=v"}}`, true},
		{"_meta without one", `"tools/call","params":{"name":"t","_meta":{ "progressToken":0.50 }}`,
			`"tools/call","params":{"name":"t","_meta":{ "progressToken":0.50 ,"traceparent":` + ours + `}}`, true},
		{"no _meta", `"tools/call","params":{"name":"t","arguments":{"n":1e0}}`,
			`"tools/call","params":{"name":"t","arguments":{"n":1e0},"_meta":{"traceparent":` + ours + `}}`, true},
		{"no params", `"ping"`, `"ping","params":{"_meta":{"traceparent":` + ours + `}}`, true},
		{"a resource", `"resources/read","params":{"uri":"x:y"}`, `"resources/read","params":{"uri":"x:y","_meta":{"traceparent":` + ours + `}}`, true},
		{"spelt so that nothing can be added", `"tools/call","params":{"name":"t","_meta":{"Traceparent":"x"}}`, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, mode := range []string{"off", "not sampled", "panics", "on"} {
				s := newScripted(t)
				s.auto = handshakes(anyTool)
				b := openDoor(t, everything(), func(o *Options) {
					s.behind(o)
					switch mode {
					case "on":
						o.Trace = func(*ostiary.Call) (string, bool) { return strings.Trim(ours, `"`), tt.begun }
					case "not sampled":
						o.Trace = func(*ostiary.Call) (string, bool) { return "", false }
					case "panics":
						o.Trace = func(*ostiary.Call) (string, bool) { panic("telemetry") }
					}
				})
				b = b.shaken()
				want := message(tt.in)
				if mode == "on" && tt.out != "" {
					want = begin + tt.out + "}"
				}
				b.send(message(tt.in))
				if got := s.next(); got != want {
					t.Errorf("%s: the server gets\n%s, want\n%s", mode, got, want)
				}
				s.say(`{"jsonrpc":"2.0","id":9007199254740993,"result":{}}`)
				b.want(`"id":9007199254740993`, `"result":{}`)
				if err := b.close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
