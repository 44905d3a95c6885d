package echo

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"sync/atomic"
)

// ServeHTTP answers messages over streamable HTTP on every connection of l until l
// is closed, with as little of HTTP/1.1 as clients with a length need: POST, a GET
// stream that says nothing, DELETE. It looks at no path and at no field but the
// length, and gives a legacy handshake a session that it does not keep.
func ServeHTTP(l net.Listener, o Options) error {
	catalog := tools(o.Extra)
	var sessions atomic.Int64
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = c.Close() }()
			w := &connection{conn: c, in: bufio.NewReaderSize(c, 2<<10), sessions: &sessions, o: o, catalog: catalog}
			for w.one() == nil {
			}
		}()
	}
}

// connection is one client's.
type connection struct {
	conn     net.Conn
	in       *bufio.Reader
	sessions *atomic.Int64
	o        Options
	catalog  []byte

	server  *server // made with the first message
	request []byte
	answer  bytes.Buffer
	out     []byte
}

var errHTTP = errors.New("echo: no request with a length")

// one answers one request.
func (c *connection) one() error {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	method := line[0]
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && (line[0]|0x20) == 'c' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(textproto.TrimBytes(line[len(name):]))); err != nil || length < 0 || length > 64<<20 {
				return errHTTP
			}
		}
	}
	switch method {
	case 'P':
		return c.post(length)
	case 'G':
		return c.stream()
	}
	_, err = io.WriteString(c.conn, "HTTP/1.1 204 No Content\r\n\r\n")
	return err
}

// stream begins an event stream and holds it until the client goes.
func (c *connection) stream() error {
	if _, err := io.WriteString(c.conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
		return err
	}
	_, err := c.in.ReadByte()
	return errors.Join(errHTTP, err)
}

func (c *connection) post(length int) error {
	if cap(c.request) < length {
		c.request = make([]byte, length)
	}
	c.request = c.request[:length]
	if _, err := io.ReadFull(c.in, c.request); err != nil {
		return err
	}
	if c.server == nil {
		c.server = &server{out: bufio.NewWriterSize(&c.answer, 1<<10), tools: c.catalog, extra: c.o.Extra}
	}
	c.answer.Reset()
	c.server.answer(c.request)
	if err := c.server.out.Flush(); err != nil {
		return err
	}
	body := bytes.TrimSuffix(c.answer.Bytes(), []byte("\n"))
	if len(body) == 0 {
		_, err := io.WriteString(c.conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
		return err
	}
	c.out = append(c.out[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"...)
	if bytes.Contains(body, []byte(`"protocolVersion"`)) && !bytes.Contains(body, []byte(`"resultType"`)) {
		c.out = strconv.AppendInt(append(c.out, "Mcp-Session-Id: echo-"...), c.sessions.Add(1), 10)
		c.out = append(c.out, "\r\n"...)
	}
	c.out = strconv.AppendInt(append(c.out, "Content-Length: "...), int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	_, err := c.conn.Write(c.out)
	return err
}
