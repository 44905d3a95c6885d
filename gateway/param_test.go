package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

const routedTool = `{"tools":[{"name":"read","annotations":{"readOnlyHint":true,"openWorldHint":false},"inputSchema":{"type":"object","properties":{` +
	`"region":{"type":"string","x-mcp-header":"Region"},` +
	`"count":{"type":"integer","x-mcp-header":"Count"},` +
	`"deep":{"type":"object","properties":{"on":{"type":"boolean","x-mcp-header":"On"}}},` +
	`"secret":{"type":"string","x-mcp-header":"Secret"},` +
	`"note":{"type":"string"}}}}]}`

// TestParametersInTheHeader: a field that repeats an argument must say what the
// argument says. The control of each is the row without refusal before it.
func TestParametersInTheHeader(t *testing.T) {
	w := openWeb(t, rows(), func(_ *HTTPOptions, s *site) { s.tools = routedTool })
	for _, c := range []struct {
		name, arguments string
		fields          []string
		refused         bool
	}{
		{"same", `{"region":"eu"}`, []string{"Region", "eu"}, false},
		{"other", `{"region":"eu"}`, []string{"Region", "us"}, true},
		{"other case", `{"region":"eu"}`, []string{"Region", "EU"}, true},
		{"missing", `{"region":"eu"}`, nil, true},
		{"empty", `{"region":"eu"}`, []string{"Region", ""}, true},
		{"twice", `{"region":"eu"}`, []string{"Region", "eu", "Region", "eu"}, true},
		{"base64", `{"region":"eu"}`, []string{"Region", "=?base64?ZXU=?="}, false},
		{"other base64", `{"region":"eu"}`, []string{"Region", "=?base64?dXM=?="}, true},
		{"broken base64", `{"region":"eu"}`, []string{"Region", "=?base64?ZXU?="}, true},
		{"literal that looks encoded", `{"region":"=?base64?ZXU"}`, []string{"Region", "=?base64?ZXU"}, false},
		{"no ASCII", `{"region":"zürich"}`, []string{"Region", "=?base64?esO8cmljaA==?="}, false},
		{"escaped", `{"region":"\u0065u"}`, []string{"Region", "eu"}, false},
		{"absent", `{"note":"x"}`, nil, false},
		{"not in the body", `{"note":"x"}`, []string{"Region", "eu"}, true},
		{"null", `{"region":null}`, []string{"Region", "eu"}, true},
		{"number", `{"count":42}`, []string{"Count", "42"}, false},
		{"number otherwise written", `{"count":42}`, []string{"Count", "42.0"}, false},
		{"other number", `{"count":42}`, []string{"Count", "43"}, true},
		{"hexadecimal", `{"count":42}`, []string{"Count", "0x2a"}, true},
		{"deep", `{"deep":{"on":true}}`, []string{"On", "true"}, false},
		{"other deep", `{"deep":{"on":true}}`, []string{"On", "false"}, true},
		{"deep missing", `{"deep":{"on":true}}`, nil, true},
		{"not annotated", `{"note":"x"}`, []string{"Note", "y"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := w.behind.count()
			fields := modernFields("read")
			for i := 0; i < len(c.fields); i += 2 {
				fields = append(fields, "Mcp-Param-"+c.fields[i], c.fields[i+1])
			}
			got := w.post(modernRead("1", "read", c.arguments), fields...)
			if reached := w.behind.count() - before; reached == 1 == c.refused {
				t.Errorf("reached the server %d times", reached)
			}
			if c.refused {
				got.want(t, 400, "-32020", "Mcp-Param-")
				w.recorded(is{code: "wire_header", target: "read"})
			} else {
				got.want(t, 200, "done")
			}
		})
	}
}

// TestParametersFollowTheRewrite: what the door takes out of the arguments is not
// in the header that the server gets, and the rest is said as the body says it.
func TestParametersFollowTheRewrite(t *testing.T) {
	got := make(chan http.Header, 1)
	rules := policy.Options{Rows: []policy.Row{{Kind: policy.Tool, Pattern: "up/read", Effect: ostiary.EffectRead, Closed: true,
		Rewrite: ostiary.Rewrite{Strip: []string{"secret"}}}}}
	w := openWeb(t, rules, func(_ *HTTPOptions, s *site) {
		s.tools = routedTool
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			got <- r.Header
			sayJSON(w, answer(string(m.ID), string(m.Arguments)))
		}
	})
	body := w.post(modernRead("1", "read", `{"region":"zürich","secret":"hush","count":4e1}`),
		modernFields("read", "Mcp-Param-Region", "=?base64?esO8cmljaA==?=", "Mcp-Param-Secret", "hush", "Mcp-Param-Count", "40.00", "Mcp-Param-Other", "is declared by no tool")...).want(t, 200).body
	if strings.Contains(body, "hush") {
		t.Fatalf("the argument was not taken out: %s", body)
	}
	h := <-got
	for field, want := range map[string]string{"Region": "=?base64?esO8cmljaA==?=", "Secret": "", "Count": "40", "Other": ""} {
		if got := h.Get("Mcp-Param-" + field); got != want {
			t.Errorf("Mcp-Param-%s is %q, want %q", field, got, want)
		}
	}
	if h.Get("Mcp-Name") != "read" || h.Get("Mcp-Method") != "tools/call" || h.Get("Who") != "" {
		t.Errorf("header %v", h)
	}
}

func TestParametersOf(t *testing.T) {
	for _, c := range []struct{ schema, want string }{
		{`{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}`, "[{Mcp-Param-A [a]}]"},
		{`{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}`, "[{Mcp-Param-A [a]}]"},
		{`{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}`, "[]"},
		{`{"properties":{"a":{"type":["string"],"x-mcp-header":"A"}}}`, "[]"},
		{`{"properties":{"a":{"type":"string","x-mcp-header":""}}}`, "[]"},
		{`{"properties":{"a":{"type":"string","x-mcp-header":"A\r\nHost: x"}}}`, "[]"},
		{`{"properties":{"a":{"type":"string","x-mcp-header":"Ä"}}}`, "[]"},
		{`{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}`, "[]"},
		{`{"items":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}`, "[]"},
		{`{"properties":{"a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]}}}`, "[]"},
		{`{"properties":7}`, "[]"},
		{`7`, "[]"},
	} {
		var schema any
		if err := json.Unmarshal([]byte(c.schema), &schema); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(parametersOf(schema)); got != c.want {
			t.Errorf("%s names %s, want %s", c.schema, got, c.want)
		}
	}
}

// FuzzHeaderText: what is written into a field is a legal one and reads as it was.
func FuzzHeaderText(f *testing.F) {
	for _, s := range []string{"", "a", " a", "a ", "ä", "=?base64?", "=?base64?YQ==?=", "=?base64?YQ", "a\r\nb", "\x00", "\t", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		field := headerText(s)
		for i := range len(field) {
			if field[i] < 0x20 || field[i] >= 0x7f {
				t.Fatalf("%q is written as %q", s, field)
			}
		}
		if field == "" || strings.TrimSpace(field) != field {
			t.Fatalf("%q is written as %q, which a parser changes", s, field)
		}
		if got, ok := fieldText(field); !ok || got != s {
			t.Fatalf("%q is written as %q and read as %q", s, field, got)
		}
		fieldText(s) // anything may come
		integer(s)
		if isToken(s) {
			if strings.ContainsAny(s, "\r\n: \x7f") {
				t.Fatalf("%q is no token", s)
			}
		}
	})
}

// FuzzEvents: the reader of event streams takes anything, gives back what append
// wrote, and keeps its bound.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("id: 1\nretry: 5\nevent: message\ndata: {}\n\n"), "1", []byte("{}"))
	f.Add([]byte("\xef\xbb\xbfdata: a\r\rdata:b\r\n\r\n:c\n\ndata\n\n"), "", []byte("{\n}"))
	f.Add([]byte("data: "+strings.Repeat("x", 9000)), "x y", []byte("\r\n\r"))
	f.Fuzz(func(t *testing.T, stream []byte, id string, data []byte) {
		const most = 4 << 10
		r := newEventReader(strings.NewReader(string(stream)), most)
		total := 0
		for {
			e, err := r.next()
			if err != nil {
				break
			}
			if len(e.data) > most+4<<10 || strings.ContainsAny(e.id+e.retry, "\r\n") {
				t.Fatalf("event of %d bytes, id %q, retry %q", len(e.data), e.id, e.retry)
			}
			if total += len(e.data); total > len(stream) {
				t.Fatalf("%d bytes of data in a stream of %d", total, len(stream))
			}
		}
		if strings.ContainsAny(id, "\r\n\x00") || strings.HasPrefix(id, " ") || len(data) == 0 || len(data) > most || len(id) > 1000 {
			return
		}
		again := newEventReader(strings.NewReader(string(event{id: id, data: data}.append(nil))), 2*most)
		e, err := again.next()
		if err != nil {
			t.Fatalf("an event with %q and %q is not read again: %v", id, data, err)
		}
		same := strings.NewReplacer("\r", "\n").Replace(string(data))
		if e.id != id || string(e.data) != same {
			t.Fatalf("an event with %q and %q is read as %q and %q", id, data, e.id, e.data)
		}
		if more, err := again.next(); err == nil {
			t.Fatalf("one event was written and %q is read behind it", more.data)
		}
	})
}
