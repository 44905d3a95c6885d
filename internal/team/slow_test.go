package team

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
)

// quick is a door that waits a second for a request to come.
const quick = "serve: {read: 1s}\nauth: {dangerously_allow_anonymous: true, anonymous_scopes: [\"notes:read\"]}\n"

// raw sends bytes over a connection of its own and returns the answer; its status
// is 0 where the door hung up without one.
func (d *door) raw(text string) reply {
	d.t.Helper()
	conn, err := net.Dial("tcp", d.listen)
	if err != nil {
		d.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		d.t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		d.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			d.t.Fatal("the door says nothing and does not hang up")
		}
		return reply{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// wire is a whole request as bytes: a call of the tool read.
func (d *door) wire(length string) string {
	d.t.Helper()
	return "POST /notes/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\nMcp-Protocol-Version: 2026-07-28\r\n" +
		"Mcp-Method: tools/call\r\nMcp-Name: read\r\n" + length + "\r\n\r\n"
}

const readBody = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{},` + meta + `}}`

// TestSlowRequests: a header or a body that does not come, or that is none, is
// refused, recorded and does not reach the server.
func TestSlowRequests(t *testing.T) {
	t.Parallel()
	s := openShared(t)
	d := openDoor(t, quick+upstream(s)+rules)
	head := d.wire(fmt.Sprintf("Content-Length: %d", len(readBody)))
	chunked := d.wire("Transfer-Encoding: chunked")
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"slow header", head[:len(head)-9], http.StatusBadRequest},
		{"one letter of a header", "P", http.StatusBadRequest},
		{"slow body", head + readBody[:20], http.StatusRequestTimeout},
		{"no body", head, http.StatusRequestTimeout},
		{"slow chunk", chunked + fmt.Sprintf("%x\r\n%s", len(readBody), readBody[:20]), http.StatusRequestTimeout},
		{"chunks without end", chunked + fmt.Sprintf("%x\r\n%s\r\n", len(readBody), readBody), http.StatusRequestTimeout},
		{"two lengths", d.wire("Content-Length: 5\r\nContent-Length: 6") + readBody, http.StatusBadRequest},
		{"a length that is none", d.wire("Content-Length: +5") + readBody, http.StatusBadRequest},
		{"chunks that are none", d.wire("Transfer-Encoding: xchunked") + readBody, http.StatusNotImplemented},
		{"a field that is none", d.wire("Content Length: 5") + readBody, http.StatusBadRequest},
		{"two hosts", d.wire("Host: evil.example") + readBody, http.StatusBadRequest},
		{"a header without end", "POST /notes/mcp HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 100), http.StatusRequestHeaderFieldsTooLarge},
	} {
		if r := d.raw(head + readBody); r.status != http.StatusOK || !strings.Contains(r.body, "read done") {
			t.Fatalf("the control: %d %s", r.status, r.body)
		}
		before, records := s.count(), len(d.records(audit.Filter{Code: string(ostiary.CodeGatewayHTTP)}))
		if r := d.raw(c.request); r.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, r.status, r.body, c.status)
		}
		until(t, c.name+": a record", func() bool {
			return len(d.records(audit.Filter{Code: string(ostiary.CodeGatewayHTTP)})) == records+1
		})
		if s.count() != before {
			t.Errorf("%s: it reached the server", c.name)
		}
	}
}

// TestSlowStrangers: who is nobody gets no more time.
func TestSlowStrangers(t *testing.T) {
	t.Parallel()
	s := openShared(t)
	d := openDoor(t, "serve: {read: 1s}\n"+upstream(s)+rules)
	before := len(d.records(allOf))
	if r := d.raw(d.wire("Content-Length: 1000") + "{"); r.status != http.StatusUnauthorized {
		t.Errorf("%d %s", r.status, r.body)
	}
	if all := d.records(allOf); len(all) != before+1 || all[before].Code != string(ostiary.CodeAuthMissing) {
		t.Errorf("records: %+v", all[before:])
	}
	if s.count() != 0 {
		t.Error("the server was reached")
	}
}

// TestSlowAnswers: an answer may take longer than its request.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	s := openShared(t)
	d := openDoor(t, quick+upstream(s)+rules)
	id := d.session("")
	call, _ := d.open(d.modern("", "tools/call", "wait"))
	listen, _ := d.open(d.request(http.MethodGet, "", "", "Mcp-Session-Id", id))
	call()
	listen()
	select {
	case <-time.After(2500 * time.Millisecond):
	case <-s.left:
		t.Error("the call was withdrawn")
	}
	s.release <- struct{}{}
	if e := call(); !strings.Contains(e, "released") {
		t.Error(e)
	}
	if r := d.do(d.request(http.MethodGet, "", "", "Mcp-Session-Id", id)); r.status != http.StatusConflict {
		t.Errorf("the stream of the session has ended: another gets %d", r.status)
	}
}
