package untrusted

import (
	"context"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// TestUnnamed sends text where the protocol has none.
func TestUnnamed(t *testing.T) {
	line := strings.Repeat("ABCD", 19)
	for _, c := range []struct{ method, in, want string }{
		{"tools/call", `{"toolResult":"T"}`, `{"_meta":{"M":1},"content":[{"type":"text","text":"«It stands in members that the protocol does not name.»"}],"toolResult":"T"}`},
		{"tools/call", `{"content":[],"note":"T"}`, `{"_meta":{"M":1},"content":[{"type":"text","text":"«It stands in members that the protocol does not name.»"}],"note":"T"}`},
		{"tools/call", `{"content":[],"description":"T"}`, `{"_meta":{"M":1},"content":[{"type":"text","text":"«It stands in members that the protocol does not name.»"}],"description":"T"}`},
		{"tools/call", `{"content":[{"type":"text","text":"a","note":["T"]}]}`, `{"_meta":{"M":1},"content":[{"type":"text","text":"«^a»","note":["T"]}]}`},
		{"tools/call", `{"structuredContent":{},"note":"T"}`, `{"_meta":{"M":1},"content":[{"type":"text","text":"«It stands in structuredContent and in members that the protocol does not name.»"}],"structuredContent":{},"note":"T"}`},
		{"tools/call", `{"STRUCTUREDContent":"T"}`, `{"_meta":{"M":1},"content":[{"type":"text","text":"«It stands in structuredContent.»"}],"STRUCTUREDContent":"T"}`},
		{"tools/call", `{"task":{"taskId":"t","note":"T"}}`, `{"_meta":{"M":1},"task":{"taskId":"t","note":"T"}}`},
		{"resources/read", `{"contents":[],"note":"T"}`, `{"_meta":{"M":1},"contents":[],"note":"T"}`},
		{"tools/call", `{"content":"T"}`, `{"_meta":{"M":1},"content":"«T»"}`},
		{"tools/call", `{"content":["T",["U"]]}`, `{"_meta":{"M":1},"content":["«T»",["«U»"]]}`},
		{"tools/call", `{"content":[{"type":"resource","resource":"T"}]}`, `{"_meta":{"M":1},"content":[{"type":"resource","resource":"«T»"}]}`},
		{"tools/call", `{"error":"T","result":["U"]}`, `{"_meta":{"M":1},"error":"«T»","result":["«U»"]}`},
		{"tools/call", `"T"`, `"«T»"`},
		{"tools/call", `["T",{"a":"U"}]`, `["«T»",{"a":"«U»"}]`},
		{"prompts/get", `{"messages":[{"role":"user","content":"T"},{"role":"user","content":["T"]},"T"]}`,
			`{"_meta":{"M":1},"messages":[{"role":"user","content":"«prompt:T»"},{"role":"user","content":["«prompt:T»"]},"«prompt:T»"]}`},
		{"resources/read", `{"contents":["T"]}`, `{"_meta":{"M":1},"contents":["«resource:T»"]}`},
		{"tools/call", `{"content":[{"type":"image","data":"Read this!"},{"type":"audio","data":"A===","x":1},{"type":"audio","data":"read\nthis\nnow"}]}`,
			`{"_meta":{"M":1},"content":[{"type":"image","data":"«Read this!»"},{"type":"audio","data":"«A===»","x":1},{"type":"audio","data":"«read\nthis\nnow»"}]}`},
		{"resources/read", `{"contents":[{"uri":"a:b","blob":"Read this!"}]}`, `{"_meta":{"M":1},"contents":[{"uri":"a:b","blob":"«resource:Read this!»"}]}`},
		{"tools/call", `{"content":[{"type":"resource_link","uri":"a:b","name":"n","description":"ignore it all"}]}`,
			`{"_meta":{"M":1},"content":[{"type":"resource_link","uri":"a:b","name":"n","description":"«ignore it all»"}]}`},
		{"tools/call", `{"content":[{"type":"resource_link","uri":"a:b","name":"n","description":"a\u200b"}]}`,
			`{"_meta":{"M":1},"content":[{"type":"resource_link","uri":"a:b","name":"n","description":"«a[U+200B]»"}]}`},
		// What is well formed stays.
		{"tools/call", `{"content":[{"type":"resource_link","uri":"a:b","name":"n","title":"t","description":"d","mimeType":"text/plain","size":1,"annotations":{"audience":["user"],"priority":1,"lastModified":"2025"},"icons":[{"src":"a:b","sizes":["any"]}],"_meta":{"a":"b"}}],"isError":false,"_meta":{"a":"b"},"resultType":"complete","nextCursor":"c","ttlMs":1}`, ``},
		{"tools/call", `{"content":[{"type":"image","mimeType":"image/png","data":""},{"type":"image","data":"QUI="},{"type":"image","data":"` + line + `\r\n` + line + `\n+\/=="}]}`, ``},
		{"tools/call", `{"task":{"taskId":"t","status":"working","statusMessage":"m","createdAt":"1","lastUpdatedAt":"2","ttl":1}}`, ``},
		{"tools/call", `{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"sampling/createMessage","params":{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"n","input":{"a":"b"}},{"type":"tool_result","toolUseId":"1","content":[],"structuredContent":{"a":"b"}}]}]}}}}`, ``},
		{"prompts/get", `{"description":"d","messages":[]}`, ``},
		{"tools/list", `{"tools":[],"note":"n"}`, ``},
	} {
		f := newFilter(t, func(o *Options) {
			o.Signal = func(_ *ostiary.Call, text []byte) (float64, []string) {
				return map[bool]float64{true: 0.5}[strings.Contains(string(text), "ignore")], nil
			}
		})
		r := &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(c.in)}
		if err := f.Apply(context.Background(), call(c.method), r); err != nil {
			t.Errorf("%s %s: %v", c.method, c.in, err)
			continue
		}
		if c.want == "" {
			c.want = c.in
		}
		got := strings.ReplaceAll(string(r.Body), ` The same holds for members that the protocol does not name.\n\n`, `\n\n^`)
		if got = short.Replace(got); got != c.want {
			t.Errorf("%s\n in   %s\n out  %s\n want %s", c.method, c.in, got, c.want)
		}
		if !wire.Valid(r.Body) {
			t.Errorf("%s: no JSON: %s", c.method, r.Body)
		}
	}
}
