package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The eras that are measured.
const (
	legacyEra = "2025-11-25"
	modernEra = "2026-07-28"
)

var eras = []string{legacyEra, modernEra}

// webCaller is one client over HTTP with one connection that it keeps, who writes
// requests by itself: a client library would cost more than what is measured.
type webCaller struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte

	host, path, era string
	fields          string // of the header, further ones
	id              int64  // of the last call
	calls           map[callKind][]byte
}

// callKind is a call that is written once and sent again under other ids.
type callKind struct {
	tool string
	size int
}

// firstID has as many digits as all ids behind it, so that the length stays.
const firstID = 1_000_000_000

// dialWeb connects one caller, who begins a session in the legacy era.
func dialWeb(ctx context.Context, to, era, credential string) (c *webCaller, err error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	c = &webCaller{host: u.Host, path: u.Path, era: era, id: firstID, calls: map[callKind][]byte{}}
	if credential != "" {
		c.fields = "Authorization: Bearer " + credential + "\r\n"
	}
	if c.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", u.Host); err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := c.conn.SetDeadline(end); err != nil {
			return nil, errors.Join(err, c.conn.Close())
		}
	}
	c.in = bufio.NewReaderSize(c.conn, 4<<10)
	if era == legacyEra {
		if err := c.handshake(); err != nil {
			return nil, errors.Join(err, c.conn.Close())
		}
	}
	return c, nil
}

func (c *webCaller) handshake() error {
	hello := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
		`"capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	r, err := c.exchange(c.request("POST", "", hello))
	if err != nil {
		return err
	}
	if r.status != 200 || r.session == "" {
		return fmt.Errorf("the handshake gave status %d, session %q: %.300s", r.status, r.session, c.body)
	}
	c.fields += "Mcp-Session-Id: " + r.session + "\r\nMcp-Protocol-Version: " + legacyEra + "\r\n"
	if r, err = c.exchange(c.request("POST", "", `{"jsonrpc":"2.0","method":"notifications/initialized"}`)); err == nil && r.status != 202 {
		err = fmt.Errorf("the end of the handshake gave status %d: %.300s", r.status, c.body)
	}
	return err
}

func (c *webCaller) request(method, fields, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n%s%sContent-Length: %d\r\n\r\n%s",
		method, c.path, c.host, c.fields, fields, len(body), body)
}

// call makes one call and returns once its answer has come.
func (c *webCaller) call(kind callKind, want []byte) error {
	raw := c.calls[kind]
	if raw == nil {
		raw = c.write(kind, want)
		c.calls[kind] = raw
	}
	c.id++
	at := bytes.Index(raw, []byte(`"id":`)) + len(`"id":`)
	id := strconv.AppendInt(raw[at:at:at+10], c.id, 10)
	r, err := c.exchange(raw)
	switch {
	case err != nil:
		return err
	case r.status != 200 || !bytes.Contains(c.body, want) || !bytes.Contains(c.body, id) || bytes.Contains(c.body, []byte(`"isError":true`)):
		return fmt.Errorf("a call of %s gave status %d: %.600s", kind.tool, r.status, c.body)
	}
	return nil
}

// write is the request of a call with firstID.
func (c *webCaller) write(kind callKind, text []byte) []byte {
	var fields, meta string
	if c.era == modernEra {
		fields = "Mcp-Protocol-Version: " + modernEra + "\r\nMcp-Method: tools/call\r\nMcp-Name: " + kind.tool + "\r\n"
		meta = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"` + modernEra + `","io.modelcontextprotocol/clientCapabilities":{},` +
			`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}`
	}
	return c.request("POST", fields, `{"jsonrpc":"2.0","id":`+strconv.Itoa(firstID)+`,"method":"tools/call","params":{"name":"`+kind.tool+
		`","arguments":{"text":"`+string(text)+`"}`+meta+`}}`)
}

// answer is what of the head of an answer is looked at.
type answer struct {
	status  int
	session string
}

// exchange sends a request and reads its answer, whose body is in c.body.
func (c *webCaller) exchange(request []byte) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	a, length, chunked, err := c.head()
	if err != nil {
		return a, err
	}
	c.body = c.body[:0]
	if !chunked {
		return a, c.take(length)
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return a, err
		}
		if err := c.take(int(n)); err != nil {
			return a, err
		}
		if _, err := c.in.Discard(2); err != nil {
			return a, err
		}
		if n == 0 {
			return a, nil
		}
	}
}

func (c *webCaller) take(n int) error {
	from := len(c.body)
	c.body = slices.Grow(c.body, n)[:from+n]
	_, err := io.ReadFull(c.in, c.body[from:])
	return err
}

// head reads the status line and the header of an answer.
func (c *webCaller) head() (a answer, length int, chunked bool, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return a, 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return a, 0, false, fmt.Errorf("no answer of HTTP: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, 0, false, err
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return a, 0, false, err
		}
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch {
		case len(name) == 0:
			return a, length, chunked, nil
		case !ok:
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return a, 0, false, err
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("mcp-session-id")):
			a.session = string(value)
		}
	}
}

// driveWeb lets callers, each with one call open, call a tool for the window, and
// at least once. A refusal or a wrong answer is an error.
func driveWeb(pid int, crowd []*webCaller, kind callKind, window time.Duration) (got webSample, err error) {
	want := []byte(strings.Repeat("plain words of a tool call, ", kind.size/28+1)[:kind.size])
	cpu, err := cpuTime(pid)
	if err != nil {
		return got, err
	}
	all := make([][]time.Duration, len(crowd))
	errs := make([]error, len(crowd))
	var callers sync.WaitGroup
	began := time.Now()
	for i, c := range crowd {
		callers.Go(func() {
			for sent := began; sent.Sub(began) < window || len(all[i]) == 0; {
				if errs[i] = c.call(kind, want); errs[i] != nil {
					return
				}
				now := time.Now()
				all[i] = append(all[i], now.Sub(sent))
				sent = now
			}
		})
	}
	callers.Wait()
	got.Elapsed = time.Since(began)
	after, err := cpuTime(pid)
	if err = errors.Join(append(errs, err)...); err != nil {
		return got, err
	}
	got.CPU = after - cpu
	got.Latencies = slices.Concat(all...)
	got.Calls = len(got.Latencies)
	return got, nil
}

// webSample is what one window of calls gave.
type webSample struct {
	sample
	Latencies []time.Duration `json:"-"`
}

// add joins the windows of one round.
func (s *webSample) add(w webSample) {
	s.Calls += w.Calls
	s.Elapsed += w.Elapsed
	s.CPU += w.CPU
	s.Latencies = append(s.Latencies, w.Latencies...)
	slices.Sort(s.Latencies)
	s.P50, s.P99 = s.Latencies[len(s.Latencies)/2], s.Latencies[len(s.Latencies)*99/100]
}
