package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

func twoViews(t *testing.T) *policy.Views {
	t.Helper()
	views, problems := policy.NewViews("up", []policy.View{
		{Name: "reader", Tools: []string{"read"}, Resources: []string{"file:///open/*"}},
		{Name: "writer", Tools: []string{"put"}},
	})
	if problems != nil {
		t.Fatal(problems)
	}
	return views
}

// TestViewsOfOneServer: each endpoint lists and runs its own tools, whatever scopes
// the caller holds, and the records say by which it came.
func TestViewsOfOneServer(t *testing.T) {
	const every = "Bearer key|a:read a:write a:send a:files a:prompts a:team"
	for view, tools := range map[string][2]string{"reader": {"read", "put"}, "writer": {"put", "read"}} {
		t.Run(view, func(t *testing.T) {
			w := openWeb(t, steps(), func(o *HTTPOptions, s *site) {
				signedIn(o, s)
				o.Door.Views, o.Door.View = twoViews(t), view
				s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
					if m.Method == "resources/list" {
						sayJSON(w, result(m, `{"resultType":"complete","resources":[{"uri":"file:///open/a"},{"uri":"file:///shut/a"}]}`))
						return
					}
					sayJSON(w, answer(string(m.ID), "done"))
				}
			})
			mine, other := tools[0], tools[1]
			call := func(tool string) reply {
				return w.post(modernRead("1", tool, `{}`), append(modernFields(tool), "Authorization", every)...)
			}
			call(mine).want(t, 200, "done")
			before := w.behind.count()
			call(other).want(t, 200, `"code":"policy_unknown"`, "the server "+view+" lists no tool")
			body, fields := modernBody("tools/list", `"cursor":""`)
			list := w.post(body, append(fields, "Authorization", every)...).want(t, 200, `"name":"`+mine+`"`).body
			if strings.Contains(list, `"name":"`+other+`"`) {
				t.Errorf("the list shows the other view's tool: %s", list)
			}
			body, fields = modernBody("resources/read", `"uri":"file:///open/a"`)
			read := w.post(body, append(fields, "Mcp-Name", "file:///open/a", "Authorization", every)...)
			body, fields = modernBody("resources/list", `"cursor":""`)
			listed := w.post(body, append(fields, "Authorization", every)...).want(t, 200).body
			has := strings.Contains(read.body, "done")
			if has != (view == "reader") || strings.Contains(listed, "open") != has || strings.Contains(listed, "shut") {
				t.Errorf("resources in %s: %s %s", view, read.body, listed)
			}
			if got := w.behind.count() - before; got > 2 {
				t.Errorf("the server was reached %d times: %v", got, w.behind.reached)
			}
			w.recorded(is{code: "policy_unknown", method: "tools/call"})
			for _, r := range w.logged() {
				if r.Call != "" && r.View != view {
					t.Errorf("a record names the view %q: %+v", r.View, r)
				}
			}
		})
	}
}

// TestViewOverStdio: the list of a view is filtered there as well.
func TestViewOverStdio(t *testing.T) {
	b := openDoor(t, rows(), func(o *Options) {
		echoServer(o)
		views, problems := policy.NewViews("up", []policy.View{{Name: "part", Tools: []string{"echo"}}})
		if problems != nil {
			t.Fatal(problems)
		}
		o.Views, o.View = views, "part"
	})
	b.shaken()
	b.send(`{"jsonrpc":"2.0","id":7,"method":"tools/list"}`)
	if got := b.want(`"id":7`, `"echo"`); strings.Count(got, `"inputSchema"`) != 1 {
		t.Errorf("the view lists %s", got)
	}
	b.send(call("8", "fail"))
	b.want(`"id":8`, "policy_unknown")
	b.send(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"echo","arguments":{"text":"control"}}}`)
	b.want(`"id":9`, "control")
}
