package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// beside are rules about what requests reach by a side way.
func beside() policy.Options {
	return policy.Options{
		Rows: []policy.Row{
			{Kind: policy.Tool, Pattern: "up/read", Effect: ostiary.EffectRead, Scopes: []string{"a:read"}},
			{Kind: policy.Tool, Pattern: "up/put", Effect: ostiary.EffectWrite, Scopes: []string{"a:write"}},
			{Kind: policy.Resource, Pattern: "up/file:///open/*", Effect: ostiary.EffectRead},
			{Kind: policy.Resource, Pattern: "up/file:///team/*", Effect: ostiary.EffectRead, Scopes: []string{"a:team"}},
			{Kind: policy.Method, Pattern: "up/prompts/get", Effect: ostiary.EffectRead, Scopes: []string{"a:prompts"}},
		},
		Deny: []policy.DenyRow{{Kind: policy.Resource, Pattern: "up/file:///keys/*", Reason: "keys stay home"}},
	}
}

func modernBody(method, params string) (body string, fields []string) {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":%q,"params":{%s,%s}}`, method, params, modernMetaText),
		[]string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}
}

// TestSideWaysAreJudged: what completes the arguments of a prompt or resource, and
// what subscribes to one, needs what getting it needs.
func TestSideWaysAreJudged(t *testing.T) {
	complete := func(ref string) string {
		return fmt.Sprintf(`"ref":%s,"argument":{"name":"a","value":""}`, ref)
	}
	listen := func(uris string) string { return fmt.Sprintf(`"notifications":{"resourceSubscriptions":%s}`, uris) }
	for _, c := range []struct{ method, params, scopes, want string }{
		{"completion/complete", complete(`{"type":"ref/prompt","name":"p"}`), "a:prompts", "done"},
		{"completion/complete", complete(`{"type":"ref/prompt","name":"p"}`), "", "policy_scope"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///open/{name}"}`), "", "done"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///team/{name}"}`), "", "policy_scope"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///team/{name}"}`), "a:team", "done"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///keys/{name}"}`), "a:team", "policy_deny"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///keys{/name}"}`), "a:team", "policy_deny"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///open{/name}"}`), "", "done"},
		{"completion/complete", complete(`{"type":"ref/resource","uri":"file:///open/{name"}`), "", "policy_deny"},
		{"subscriptions/listen", listen(`["file:///open/x"]`), "", "done"},
		{"subscriptions/listen", listen(`["file:///open/x","file:///team/x"]`), "", "policy_scope"},
		{"subscriptions/listen", listen(`["file:///open/x","file:///team/x"]`), "a:team", "done"},
		{"subscriptions/listen", listen(`["file:///open/x","file:///keys/x"]`), "a:team", "policy_deny"},
		{"subscriptions/listen", listen(`"file:///keys/x"`), "a:team", "wire_params"},
		{"subscriptions/listen", listen(`[{"uri":"file:///keys/x"}]`), "a:team", "wire_params"},
		{"subscriptions/listen", listen(`null`), "", "done"},
		{"subscriptions/listen", `"resourceSubscriptions":["file:///keys/x"]`, "a:team", "policy_deny"},
		{"subscriptions/listen", `"notifications":{"ResourceSubscriptions":["file:///keys/x"]}`, "a:team", "wire_duplicate_key"},
		{"subscriptions/listen", `"Notifications":{"resourceSubscriptions":["file:///keys/x"]}`, "a:team", "wire_duplicate_key"},
		{"subscriptions/listen", `"notifications":{"TaskIds":["t"]}`, "a:team", "wire_duplicate_key"},
	} {
		w := openWeb(t, beside(), signedIn)
		body, fields := modernBody(c.method, c.params)
		r := w.post(body, append(fields, "Authorization", "Bearer key|"+c.scopes)...)
		if reached := w.behind.count() > 0; !strings.Contains(r.body, c.want) || reached != (c.want == "done") {
			t.Errorf("%s %s with %q: %d %s, reached %t; want %s", c.method, c.params, c.scopes, r.status, r.body, reached, c.want)
		}
		if c.want != "done" {
			w.recorded(is{code: c.want, method: c.method})
		}
		w.shut()
	}
}

// TestListsShowWhatMayBeCalled: page by page, without what nobody can judge, private
// where it could differ, and with its cursor when nothing is left of it.
func TestListsShowWhatMayBeCalled(t *testing.T) {
	pages := map[string]string{
		"tools/list":               `{"resultType":"complete","tools":[{"name":"read","inputSchema":{}},{"name":"put","inputSchema":{}},{"title":"no name"},{"name":7},{"Name":"read"},{"name":""}],"nextCursor":"c","cacheScope":"public"}`,
		"resources/list":           `{"resultType":"complete","resources":[{"uri":"file:///open/a"},{"uri":"file:///team/a"},{"uri":"file:///keys/a"},{"uri":"FILE:///open/a"},{"name":"x"}],"nextCursor":"c","cacheScope":"public"}`,
		"resources/templates/list": `{"resultType":"complete","resourceTemplates":[{"uriTemplate":"file:///open/{a}"},{"uriTemplate":"file:///team/{a}"},{"name":"x"}],"nextCursor":"c","cacheScope":"public"}`,
		"prompts/list":             `{"resultType":"complete","prompts":[{"name":"p"},{"title":"x"}],"nextCursor":"c","cacheScope":"public"}`,
	}
	for _, c := range []struct{ method, scopes, want string }{
		{"tools/list", "", `"tools":[]`},
		{"tools/list", "a:read", `"tools":[{"name":"read","inputSchema":{}}]`},
		{"tools/list", "a:read a:write", `"tools":[{"name":"read","inputSchema":{}},{"name":"put","inputSchema":{}}]`},
		{"resources/list", "", `"resources":[{"uri":"file:///open/a"}]`},
		{"resources/list", "a:team", `"resources":[{"uri":"file:///open/a"},{"uri":"file:///team/a"}]`},
		{"resources/templates/list", "", `"resourceTemplates":[{"uriTemplate":"file:///open/{a}"}]`},
		{"resources/templates/list", "a:team", `"resourceTemplates":[{"uriTemplate":"file:///open/{a}"},{"uriTemplate":"file:///team/{a}"}]`},
		{"prompts/list", "", `"prompts":[]`},
		{"prompts/list", "a:prompts", `"prompts":[{"name":"p"}]`},
	} {
		w := openWeb(t, beside(), func(o *HTTPOptions, s *site) {
			signedIn(o, s)
			s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) { sayJSON(w, result(m, pages[m.Method])) }
		})
		if c.method == "tools/list" {
			w.behind.tools = strings.Replace(pages["tools/list"], `,"nextCursor":"c"`, "", 1)
		}
		body, fields := modernBody(c.method, `"cursor":"b"`)
		r := w.post(body, append(fields, "Authorization", "Bearer key|"+c.scopes)...).want(t, 200, c.want, `"cacheScope":"private"`)
		if c.method != "tools/list" && !strings.Contains(r.body, `"nextCursor":"c"`) {
			t.Errorf("%s: the cursor is lost: %s", c.method, r.body)
		}
		held := []string{"Authorization", "Bearer key|" + c.scopes}
		legacy := w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":5,"method":%q,"params":{"cursor":"b"}}`, c.method), append(held, "Mcp-Session-Id", w.session(held...))...)
		legacy.want(t, 200, c.want, `"cacheScope":"private"`) // the server said it, so it is not left as it was
		w.shut()
	}
}

// TestAnswersNameNoHiddenTool: a tool that the caller named and lacks scopes for is
// told from one that is not there, because the answer says what to sign in with. But
// no answer suggests a name that the caller is not shown.
func TestAnswersNameNoHiddenTool(t *testing.T) {
	w := openWeb(t, beside(), signedIn)
	ask := func(tool, scopes string) string {
		t.Helper()
		return w.post(modernRead("1", tool, `{}`), append(modernFields(tool), "Authorization", "Bearer key|"+scopes)...).want(t, 200).body
	}
	has(t, ask("put", "a:read"), "policy_scope", "a:write")
	has(t, ask("puts", "a:write"), "policy_unknown", `\"put\"`) // the control: a caller who is shown it
	if got := ask("puts", "a:read"); !strings.Contains(got, "policy_unknown") || strings.Contains(got, `\"put\"`) {
		t.Errorf("an answer names a hidden tool: %s", got)
	}
	has(t, ask("reed", "a:read"), "policy_unknown", `\"read\"`)
}

// TestCompletionsAreJudgedByTheirValues: what the template makes of the values is
// what the rows look at, for a variable that may hold slashes as for any other.
func TestCompletionsAreJudgedByTheirValues(t *testing.T) {
	complete := func(template, value, context string) string {
		return fmt.Sprintf(`"ref":{"type":"ref/resource","uri":%q},"argument":{"name":"path","value":%q}%s`, template, value, context)
	}
	for _, c := range []struct{ params, want string }{
		{complete("file:///{+path}", "open/a", ""), "done"},
		{complete("file:///{+path}", "", ""), "done"},
		{complete("file:///{+path}", "keys/", ""), "policy_deny"},
		{complete("file:///{+path}", "keys/id", ""), "policy_deny"},
		{complete("file:///{+path}", "open/../keys/id", ""), "policy_deny"},
		{complete("file:///{+path}", "open/%2E%2E/keys", ""), "policy_deny"},
		{complete("file:///open/{path}", "../keys/id", ""), "policy_deny"},
		{complete("file:///{dir}/{path}", "a", `,"context":{"arguments":{"dir":"open"}}`), "done"},
		{complete("file:///{dir}/{path}", "a", `,"context":{"arguments":{"dir":"keys"}}`), "policy_deny"},
		{complete("file:///{dir}/{path}", "a", `,"Context":{"arguments":{"dir":"keys"}}`), "wire_duplicate_key"},
		{complete("file://{/dir}{/path}", "a", `,"context":{"arguments":{"dir":"keys"}}`), "policy_deny"},
		{complete("file:///{dir:4}/{path}", "a", `,"context":{"arguments":{"dir":"keysmith"}}`), "policy_deny"},
		{complete("file:///{dir:2}/{path}", "a", `,"context":{"arguments":{"dir":"keys"}}`), "policy_deny"}, // by a server without prefixes
		{complete("file:///{dir:4}/{path}", "a", `,"context":{"arguments":{"dir":"opensmith"}}`), "done"},
	} {
		w := openWeb(t, beside(), signedIn)
		body, fields := modernBody("completion/complete", c.params)
		r := w.post(body, append(fields, "Authorization", "Bearer key|")...)
		if reached := w.behind.count() > 0; !strings.Contains(r.body, c.want) || reached != (c.want == "done") {
			t.Errorf("%s: %d %s, reached %t; want %s", c.params, r.status, r.body, reached, c.want)
		}
		w.shut()
	}
}
