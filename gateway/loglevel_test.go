package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestLogMessagesOfAStartedServer: a client of the modern era hears of its request what
// it asked for, and no one else's client does; what nobody asked for is dropped.
func TestLogMessagesOfAStartedServer(t *testing.T) {
	s := newScripted(t)
	w := openWeb(t, rows(), func(o *HTTPOptions, _ *site) {
		o.Door.Remote = nil
		s.behind(&o.Door)
	})
	asking := func(id, level string) string {
		if level == "" {
			return modernRead(id, "read", "{}")
		}
		return strings.Replace(modernRead(id, "read", "{}"), `"_meta":{`, `"_meta":{"io.modelcontextprotocol/logLevel":"`+level+`",`, 1)
	}
	said := func(level, text string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":%q,"data":%q}}`, level, text)
	}
	type asked struct {
		id   string
		next func() string
	}
	ask := func(id, level string) asked {
		t.Helper()
		known := make(chan string, 1)
		go func() {
			m := s.ofServer("tools/call")
			known <- string(m.ID)
			if level != "" {
				s.say(said("error", "begun "+id))
			}
		}()
		answered := make(chan func() string, 1)
		go func() {
			ctx, leave := context.WithCancel(context.Background())
			resp, err := w.client.Do(w.request(ctx, "POST", asking(id, level), modernFields("read")...))
			if err != nil {
				leave()
				answered <- func() string { return err.Error() }
				return
			}
			t.Cleanup(func() { leave(); resp.Body.Close() })
			answered <- events(t, resp.Body)
		}()
		a := asked{id: <-known}
		if level != "" {
			a.next = <-answered
			has(t, a.next(), "begun "+id)
		} else {
			a.next = func() string { return (<-answered)() }
		}
		return a
	}
	silent, loud := ask("1", ""), ask("2", "warning")
	s.say(said("info", "too little"), said("warning", "enough"))
	has(t, loud.next(), `"enough"`)
	s.say(answer(loud.id, "done"))
	has(t, loud.next(), "done")
	s.say(said("emergency", "nobody asked"), answer(silent.id, "done"))
	if got := silent.next(); strings.Contains(got, "nobody asked") {
		t.Errorf("got %s", got)
	}
}
