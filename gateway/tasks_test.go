package gateway

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// taskSite makes a task of every call of put, named by its argument, and answers
// about any task to anybody, as servers do that know one caller.
func taskSite(o *HTTPOptions, s *site) {
	signedInAs(o)
	s.handle = func(w http.ResponseWriter, _ *http.Request, m *wire.Message) {
		if m.Method != "tools/call" || m.Name != "put" {
			sayJSON(w, answer(string(m.ID), "done"))
			return
		}
		id, _ := wire.Member(m.Arguments, "task")
		if m.Era == wire.EraModern {
			sayJSON(w, result(m, fmt.Sprintf(`{"resultType":"task","taskId":%s,"status":"working"}`, id)))
			return
		}
		sayJSON(w, result(m, fmt.Sprintf(`{"task":{"taskId":%s,"status":"working"}}`, id)))
	}
}

// signedInAs is signedIn for principals that the field Who names.
func signedInAs(o *HTTPOptions) {
	signedIn(o, nil)
	scopes := o.Authenticate
	o.Authenticate = func(r *http.Request) (who ostiary.Principal, session string, err error) {
		who, session, err = scopes(r)
		if name := r.Header.Get("Who"); name != "" {
			who.ID = name
		}
		return who, session, err
	}
}

const allScopes = "Bearer key|a:read a:write a:send a:files"

// taskMessage is a request about a task, and its header.
func taskMessage(method, id string, modern bool) (body string, fields []string) {
	if !modern {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":%q,"params":{"taskId":%q}}`, method, id), nil
	}
	fields = []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}
	if method == "subscriptions/listen" {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":%q,"params":{"notifications":{"taskIds":[%q]},%s}}`, method, id, modernMetaText), fields
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":%q,"params":{"taskId":%q,%s}}`, method, id, modernMetaText), append(fields, "Mcp-Name", id)
}

var anyCall = regexp.MustCompile(`"call":"[0-9a-z]+"`)

// TestTasksAreTheirMakers: what a task says and takes is its maker's in both eras. To
// others it cannot be told from one that does not exist, and the server hears nothing.
func TestTasksAreTheirMakers(t *testing.T) {
	for _, c := range []struct {
		method string
		modern bool
	}{
		{"tasks/get", false}, {"tasks/result", false}, {"tasks/cancel", false},
		{"tasks/get", true}, {"tasks/update", true}, {"tasks/cancel", true}, {"subscriptions/listen", true},
	} {
		t.Run(fmt.Sprintf("%s modern=%t", c.method, c.modern), func(t *testing.T) {
			w := openWeb(t, steps(), taskSite)
			ask := func(who, scopes, method, id string) reply {
				t.Helper()
				body, fields := taskMessage(method, id, c.modern)
				if method == "tools/call" {
					body, fields = modernRead("1", "put", fmt.Sprintf(`{"task":%q}`, id)), modernFields("put")
					if !c.modern {
						body, fields = fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"put","arguments":{"task":%q},"task":{}}}`, id), nil
					}
				}
				fields = append(fields, "Authorization", scopes, "Who", who)
				if !c.modern {
					fields = append(fields, "Mcp-Session-Id", w.session("Authorization", scopes, "Who", who))
				}
				return w.post(body, fields...)
			}
			ask("alice", allScopes, "tools/call", "T1").want(t, 200, `"taskId":"T1"`)
			ask("alice", allScopes, c.method, "T1").want(t, 200, "done")
			before := w.behind.count()
			theirs := ask("mallory", allScopes, c.method, "T1").want(t, 200, "-32602", `"code":"gateway_task"`)
			none := ask("mallory", allScopes, c.method, "T0").want(t, 200, "-32602")
			if a, b := anyCall.ReplaceAllString(theirs.body, ""), anyCall.ReplaceAllString(none.body, ""); a != b {
				t.Errorf("another's task answers %s, none %s", a, b)
			}
			w.recorded(is{code: "gateway_task", method: c.method})
			// Who may not call the tool any more does not get what it says.
			ask("alice", "Bearer key|a:read", c.method, "T1").want(t, 200, "policy_scope", "a:write")
			// An id that is taken cannot be taken over by a call of one's own.
			w.post(modernRead("1", "put", `{"task":"T1"}`), append(modernFields("put"), "Authorization", allScopes, "Who", "mallory")...).want(t, 200, "gateway_task")
			ask("mallory", allScopes, c.method, "T1").want(t, 200, `"code":"gateway_task"`)
			if got := w.behind.count(); got != before+1 { // the call of put
				t.Errorf("the server was reached %d times: %v", got-before, w.behind.reached)
			}
			ask("alice", allScopes, c.method, "T1").want(t, 200, "done")
		})
	}
}

// TestListedTasksAreTheCallers: a page shows the caller's tasks alone, an entry that
// names none to nobody, and keeps its cursor when nothing is left of it.
func TestListedTasksAreTheCallers(t *testing.T) {
	w := openWeb(t, steps(), func(o *HTTPOptions, s *site) {
		taskSite(o, s)
		before := s.handle
		s.handle = func(w http.ResponseWriter, r *http.Request, m *wire.Message) {
			if m.Method == "tasks/list" {
				sayJSON(w, result(m, `{"tasks":[{"taskId":"T1","x":1},{"taskId":"T2"},{"status":"working"},{"taskId":7}],"nextCursor":"more"}`))
				return
			}
			before(w, r, m)
		}
	})
	for who, want := range map[string]string{"alice": `"tasks":[{"taskId":"T1","x":1}]`, "bob": `"tasks":[{"taskId":"T2"}]`, "mallory": `"tasks":[]`} {
		id := w.session("Authorization", allScopes, "Who", who)
		if made := map[string]string{"alice": "T1", "bob": "T2"}[who]; made != "" {
			w.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"put","arguments":{"task":%q},"task":{}}}`, made),
				"Authorization", allScopes, "Who", who, "Mcp-Session-Id", id).want(t, 200, made)
		}
		w.post(`{"jsonrpc":"2.0","id":2,"method":"tasks/list"}`, "Authorization", allScopes, "Who", who, "Mcp-Session-Id", id).want(t, 200, want, `"nextCursor":"more"`)
	}
}

// TestNotificationsOfTasks: the server's own stream tells of the caller's tasks alone.
func TestNotificationsOfTasks(t *testing.T) {
	push := make(chan string)
	w := openWeb(t, steps(), func(o *HTTPOptions, s *site) {
		taskSite(o, s)
		s.own = func(w http.ResponseWriter, r *http.Request) {
			for {
				select {
				case m := <-push:
					fmt.Fprintf(w, "data: %s\n\n", m)
					w.(http.Flusher).Flush()
				case <-r.Context().Done():
					return
				}
			}
		}
	})
	id := w.session("Authorization", allScopes, "Who", "alice")
	w.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"put","arguments":{"task":"T1"},"task":{}}}`,
		"Authorization", allScopes, "Who", "alice", "Mcp-Session-Id", id).want(t, 200, "T1")
	resp, err := w.client.Do(w.request(t.Context(), http.MethodGet, "", "Authorization", allScopes, "Who", "alice", "Mcp-Session-Id", id))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	next := events(t, resp.Body)
	status := func(id string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":%q,"status":"working"}}`, id)
	}
	push <- status("T2")
	push <- strings.Replace(status("T2"), `"taskId":"T2",`, "", 1)
	push <- status("T1")
	if got := next(); got != status("T1") {
		t.Errorf("the stream says %s", got)
	}
	w.recorded(is{code: "gateway_task", method: "notifications/tasks/status"})
}

// TestTasksAreBounded: who makes tasks without end loses the oldest of their own.
func TestTasksAreBounded(t *testing.T) {
	all := newTasks()
	if !all.add("bob's", task{who: "bob"}) {
		t.Fatal("not kept")
	}
	for i := range 3 * tasksMost {
		if !all.add(fmt.Sprint(i), task{who: "alice"}) {
			t.Fatal(i)
		}
	}
	if len(all.made) != tasksMost+1 || len(all.order["alice"]) != tasksMost {
		t.Errorf("%d tasks are kept", len(all.made))
	}
	if _, ok := all.of("bob", "bob's"); !ok {
		t.Error("bob's task is lost")
	}
	if _, ok := all.of("alice", fmt.Sprint(3*tasksMost-1)); !ok {
		t.Error("the newest task is lost")
	}
	if all.add(strings.Repeat("x", taskIDBytes+1), task{who: "alice"}) || all.add("bob's", task{who: "alice"}) {
		t.Error("an id that cannot be kept, or is bob's, was kept")
	}
}
