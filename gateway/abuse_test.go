package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/audit"
)

// raw sends bytes as they are, ends there if it is cut, and returns the answer.
func (w *web) raw(request string, cut bool) reply {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		w.t.Fatal(err)
	}
	if cut {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			w.t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

func rawHead(length string) string {
	return "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\nMcp-Protocol-Version: 2026-07-28\r\n" +
		"Mcp-Method: tools/call\r\nMcp-Name: read\r\n" + length + "\r\n\r\n"
}

// TestAbuseIsRefused: each request is refused with its status and code, leaves a
// record and does not reach the server. The control is the same request without
// what is wrong with it.
func TestAbuseIsRefused(t *testing.T) {
	read := modernRead("1", "read", `{}`)
	long := modernRead("1", "read", `{"x":"`+strings.Repeat("x", 64<<10)+`"}`)
	fields := modernFields("read")
	chunks := func(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }
	post := func(body string, fields ...string) func(*web) reply {
		return func(w *web) reply { return w.post(body, fields...) }
	}
	raw := func(request string) func(*web) reply { return func(w *web) reply { return w.raw(request, false) } }
	cut := func(request string) func(*web) reply { return func(w *web) reply { return w.raw(request, true) } }
	good := post(read, fields...)
	inSession := func(body string, fields ...string) func(*web) reply {
		return func(w *web) reply { return w.post(body, append(fields, "Mcp-Session-Id", w.session())...) }
	}
	for _, c := range []struct {
		name    string
		control func(*web) reply
		abuse   func(*web) reply
		status  int
		code    string
		says    string
	}{
		{"version in the header differs", good, post(read, append(without(fields, "Mcp-Protocol-Version"), "Mcp-Protocol-Version", "2025-11-25")...), 400, "wire_header", "-32020"},
		{"version is missing", good, post(read, without(fields, "Mcp-Protocol-Version")...), 400, "wire_header", "-32020"},
		{"version twice", good, post(read, append(fields, "Mcp-Protocol-Version", "2026-07-28")...), 400, "wire_header", "-32020"},
		{"method differs", good, post(read, append(without(fields, "Mcp-Method"), "Mcp-Method", "tools/list")...), 400, "wire_header", "-32020"},
		{"method in another case", good, post(read, append(without(fields, "Mcp-Method"), "Mcp-Method", "TOOLS/CALL")...), 400, "wire_header", "-32020"},
		{"method is missing", good, post(read, without(fields, "Mcp-Method")...), 400, "wire_header", "-32020"},
		{"method twice", good, post(read, append(fields, "Mcp-Method", "tools/list")...), 400, "wire_header", "-32020"},
		{"name differs", good, post(read, modernFields("put")...), 400, "wire_header", "-32020"},
		{"name is missing", good, post(read, without(fields, "Mcp-Name")...), 400, "wire_header", "-32020"},
		{"name twice", good, post(read, append(fields, "Mcp-Name", "read")...), 400, "wire_header", "-32020"},
		{"name differs in base64", post(read, modernFields("=?base64?cmVhZA==?=")...), post(read, modernFields("=?base64?cHV0?=")...), 400, "wire_header", "-32020"},
		{"name is broken base64", post(read, modernFields("=?base64?cmVhZA==?=")...), post(read, modernFields("=?base64?cmVhZA?=")...), 400, "wire_header", "-32020"},
		{"method differs in a session", inSession(call("1", "read"), "Mcp-Method", "tools/call"), inSession(call("1", "read"), "Mcp-Method", "tools/list"), 400, "wire_header", "-32020"},
		{"name differs in a session", inSession(call("1", "read"), "Mcp-Name", "read"), inSession(call("1", "read"), "Mcp-Name", "put"), 400, "wire_header", "-32020"},
		{"unknown version in a session", inSession(call("1", "read"), "Mcp-Protocol-Version", "2025-06-18"), inSession(call("1", "read"), "Mcp-Protocol-Version", "1999-01-01"), 400, "wire_version", "not known"},
		{"modern version in a session", inSession(call("1", "read"), "Mcp-Protocol-Version", "2025-11-25"), inSession(call("1", "read"), "Mcp-Protocol-Version", "2026-07-28"), 400, "wire_header", "without sessions"},
		{"version twice in a session", inSession(call("1", "read"), "Mcp-Protocol-Version", "2025-11-25"), inSession(call("1", "read"), "Mcp-Protocol-Version", "2025-11-25", "Mcp-Protocol-Version", "2025-06-18"), 400, "wire_header", "more than once"},
		{"unknown version for a stream", good, func(w *web) reply {
			return w.do(w.request(context.Background(), "GET", "", "Mcp-Session-Id", w.session(), "Mcp-Protocol-Version", "2"))
		}, 400, "wire_version", "not known"},
		{"unknown version for an end", good, func(w *web) reply {
			return w.do(w.request(context.Background(), "DELETE", "", "Mcp-Session-Id", w.session(), "Mcp-Protocol-Version", "2"))
		}, 400, "wire_version", "not known"},
		{"same site, other host", post(read, append(fields, "Sec-Fetch-Site", "same-origin")...), post(read, append(fields, "Sec-Fetch-Site", "same-site")...), 403, "gateway_host", "origin"},
		{"a modern message in a session", inSession(read, fields...), inSession(read, modernFields("put")...), 400, "wire_header", "-32020"},
		{"modern header, legacy message", good, post(call("1", "read"), fields...), 400, "wire_meta", "-32602"},
		{"no session", inSession(call("1", "read")), post(call("1", "read")), 400, "gateway_session", "initialize"},
		{"unknown session", inSession(call("1", "read")), post(call("1", "read"), "Mcp-Session-Id", "nowhere"), 404, "gateway_session", "not known"},
		{"key of the modern door as a session", inSession(call("1", "read")), post(call("1", "read"), "Mcp-Session-Id", "5 aliceproved"), 404, "gateway_session", "not known"},
		{"too long", good, post(long, fields...), 413, "wire_size", "longer"},
		{"too long in chunks", raw(rawHead("Transfer-Encoding: chunked") + chunks(read)), raw(rawHead("Transfer-Encoding: chunked") + chunks(long)), 413, "wire_size", "longer"},
		{"cut off", raw(rawHead(fmt.Sprintf("Content-Length: %d", len(read))) + read), cut(rawHead(fmt.Sprintf("Content-Length: %d", len(read))) + read[:len(read)-9]), 400, "gateway_http", "ended early"},
		{"cut off in chunks", raw(rawHead("Transfer-Encoding: chunked") + chunks(read)), cut(rawHead("Transfer-Encoding: chunked") + strings.TrimSuffix(chunks(read), "0\r\n\r\n")), 400, "gateway_http", "ended early"},
		{"form", good, post(read, append(fields, "Content-Type", "application/x-www-form-urlencoded")...), 415, "gateway_http", "application/json"},
		{"text", good, post(read, append(fields, "Content-Type", "text/plain")...), 415, "gateway_http", "application/json"},
		{"no content type", good, post(read, append(fields, "Content-Type", "-")...), 415, "gateway_http", "application/json"},
		{"no accept", good, post(read, append(fields, "Accept", "-")...), 406, "gateway_http", "accept"},
		{"accepts no stream", good, post(read, append(fields, "Accept", "application/json")...), 406, "gateway_http", "accept"},
		{"cross-site page", post(read, append(fields, "Origin", "http://127.0.0.1", "Host", "127.0.0.1")...), post(read, append(fields, "Origin", "https://evil.example")...), 403, "gateway_host", "origin"},
		{"cross-site without origin", post(read, append(fields, "Sec-Fetch-Site", "same-origin")...), post(read, append(fields, "Sec-Fetch-Site", "cross-site")...), 403, "gateway_host", "origin"},
		{"null origin", good, post(read, append(fields, "Origin", "null")...), 403, "gateway_host", "origin"},
		{"two origins", good, post(read, append(fields, "Origin", "http://127.0.0.1", "Origin", "https://evil.example", "Host", "127.0.0.1")...), 403, "gateway_host", "origin"},
		{"rebinding", post(read, append(fields, "Host", "localhost:1")...), post(read, append(fields, "Host", "evil.example")...), 403, "gateway_host", "name"},
		{"rebinding by a name that looks local", good, post(read, append(fields, "Host", "127.0.0.1.evil.example")...), 403, "gateway_host", "name"},
		{"batch", good, post("["+read+"]", fields...), 400, "wire_batch", "by itself"},
		{"key twice", good, post(strings.Replace(read, `"name":"read"`, `"name":"read","name":"put"`, 1), fields...), 400, "wire_duplicate_key", "twice"},
		{"key twice but for case", good, post(strings.Replace(read, `"name":"read"`, `"name":"read","Name":"put"`, 1), fields...), 400, "wire_duplicate_key", "twice"},
		{"two messages", good, post(read+read, fields...), 400, "wire_trailing", ""},
		{"no JSON", good, post("hello", fields...), 400, "wire_parse", ""},
		{"nothing", good, post("", fields...), 400, "wire_parse", ""},
		{"nobody", good, post(read, append(fields, "Who", "nobody")...), 401, "auth_missing", "who"},
		{"other method", good, func(w *web) reply { return w.do(w.request(context.Background(), "PUT", read, fields...)) }, 405, "gateway_http", "POST"},
		{"GET without session", good, func(w *web) reply {
			return w.do(w.request(context.Background(), "GET", "", "Accept", "text/event-stream"))
		}, 405, "gateway_http", "session"},
		{"DELETE without session", good, func(w *web) reply { return w.do(w.request(context.Background(), "DELETE", "")) }, 405, "gateway_http", "session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := openWeb(t, rows(), plain)
			c.control(w).want(t, 200, "done")
			if got := w.behind.count(); got != 1 {
				t.Fatalf("the control reached the server %d times", got)
			}
			if n := (is{code: c.code}).in(w.logged()); n != 0 {
				t.Fatalf("%d records with the code of the refusal before it", n)
			}
			c.abuse(w).want(t, c.status, c.says)
			w.recorded(is{code: c.code})
			if got := w.behind.count(); got != 1 {
				t.Fatalf("the server was reached: %v", w.behind.reached)
			}
		})
	}
}

// TestSessionsOfOthersAreUnknown: a session of somebody else's cannot be told
// from one that does not exist.
func TestSessionsOfOthersAreUnknown(t *testing.T) {
	w := openWeb(t, rows(), plain)
	id := w.session()
	for _, method := range []string{"POST", "GET", "DELETE"} {
		body := ""
		if method == "POST" {
			body = call("7", "read")
		}
		ask := func(id, who string) reply {
			return w.do(w.request(t.Context(), method, body, "Mcp-Session-Id", id, "Who", who))
		}
		theirs, none := ask(id, "mallory"), ask("AAAAAAAAAAAAAAAAAAAAAAAA", "mallory")
		for _, r := range []*reply{&theirs, &none} {
			r.want(t, 404, "not known")
			delete(r.header, "Date")
		}
		if theirs.body != none.body || fmt.Sprint(theirs.header) != fmt.Sprint(none.header) {
			t.Errorf("%s: another's session answers %v %q, an unknown one %v %q", method, theirs.header, theirs.body, none.header, none.body)
		}
	}
	if n := w.behind.count(); n != 0 {
		t.Fatalf("the server was reached: %v", w.behind.reached)
	}
	w.recorded(is{code: "gateway_session", method: "tools/call"})
	w.post(call("7", "read"), "Mcp-Session-Id", id).want(t, 200, "done") // it is alive and its owner's
}

// TestRefusalsAreCounted: a flood in front of the doors is a count in the end, and
// strangers do not use up the records of those who are known.
func TestRefusalsAreCounted(t *testing.T) {
	w := openWeb(t, rows(), plain)
	for range 3 * oddBurst {
		w.post("", "Who", "nobody").want(t, 401)
	}
	w.post("", "Content-Type", "text/plain").want(t, 415)
	w.recorded(is{code: "gateway_http"})
	w.endpoint.Close()
	all := w.records(func(all []audit.Record) bool {
		for _, r := range all {
			if r.Code == "auth_missing" && strings.Contains(r.Reason, fmt.Sprint(2*oddBurst)+" more") {
				return true
			}
		}
		return false
	})
	if n := (is{code: "auth_missing"}).in(all); n != oddBurst+1 {
		t.Errorf("%d records of strangers, want %d and a count", n, oddBurst)
	}
}
