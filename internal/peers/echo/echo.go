// Package echo is an MCP server over stdio that does as little as a server can:
// it answers tools/call with the text of the call, escapes included, as received.
// Benchmarks and tests use it as an upstream whose own cost hardly shows and
// whose answers are known to the byte. It speaks both eras of the protocol and
// trusts its peer; it is no example of a safe server.
package echo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Options say what the server lists. The zero value lists the two tools.
type Options struct {
	// Extra more read tools are listed, named t00001 and so on; they echo too.
	Extra int
}

const (
	legacy = "2025-11-25"
	modern = "2026-07-28"
)

// Serve answers messages from r on w until r ends. The tools are "echo", which
// says that it only reads, and "put", which says that it writes.
func Serve(r io.Reader, w io.Writer, o Options) error {
	s := server{out: bufio.NewWriterSize(w, 64<<10), tools: tools(o.Extra), extra: o.Extra}
	in := bufio.NewReaderSize(r, 64<<10)
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		line := part
		if len(long) > 0 || errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			line = long
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(bytes.TrimSpace(line)) > 0 {
			s.answer(line)
		}
		long = long[:0]
		// Each answer is a write of its own, as with real servers; collected ones
		// would flatter a relay that copies bytes.
		if err := s.out.Flush(); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

type server struct {
	out   *bufio.Writer
	tools []byte
	extra int
}

func (s *server) answer(line []byte) {
	var id, method, params []byte
	members(line, func(key, v []byte) {
		switch string(key) {
		case "id":
			id = v
		case "method":
			method = v
		case "params":
			params = v
		}
	})
	if id == nil || method == nil {
		return // a notification or an answer; nothing here waits for either
	}
	var name, arguments, meta, version []byte
	members(params, func(key, v []byte) {
		switch string(key) {
		case "name":
			name = v
		case "arguments":
			arguments = v
		case "_meta":
			meta = v
		case "protocolVersion":
			version = v
		}
	})
	isModern := bytes.Contains(meta, []byte(`"io.modelcontextprotocol/protocolVersion"`))
	switch string(method) {
	case `"tools/call"`:
		s.call(id, name, arguments, isModern)
	case `"tools/list"`:
		s.result(id, isModern, `"ttlMs":0,"cacheScope":"private",`, s.tools)
	case `"initialize"`:
		if version == nil || string(version) == `"`+modern+`"` {
			version = []byte(`"` + legacy + `"`)
		}
		s.result(id, false, "", fmt.Appendf(nil,
			`"protocolVersion":%s,"capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}`, version))
	case `"server/discover"`:
		s.result(id, isModern, `"ttlMs":0,"cacheScope":"private",`, []byte(
			`"supportedVersions":["`+modern+`","`+legacy+`"],"capabilities":{"tools":{}}`))
	case `"ping"`:
		s.result(id, isModern, "", nil)
	default:
		s.fail(id, -32601, "echo: no such method")
	}
}

func (s *server) call(id, name, arguments []byte, isModern bool) {
	if !s.lists(name) {
		s.fail(id, -32602, "echo: no such tool")
		return
	}
	text := []byte(`""`)
	members(arguments, func(key, v []byte) {
		if string(key) == "text" && v[0] == '"' {
			text = v
		}
	})
	s.open(id, isModern, "")
	s.write(`"content":[{"type":"text","text":`)
	_, _ = s.out.Write(text) // a failed write comes back from Flush
	s.write("}]}}\n")
}

func (s *server) lists(name []byte) bool {
	if string(name) == `"echo"` || string(name) == `"put"` {
		return true
	}
	if len(name) != len(`"t00001"`) || name[1] != 't' {
		return false
	}
	n, err := strconv.Atoi(string(name[2:7]))
	return err == nil && n >= 1 && n <= s.extra
}

func (s *server) result(id []byte, isModern bool, modernOnly string, members []byte) {
	s.open(id, isModern, modernOnly)
	_, _ = s.out.Write(members)
	s.write("}}\n")
}

func (s *server) open(id []byte, isModern bool, modernOnly string) {
	s.write(`{"jsonrpc":"2.0","id":`)
	_, _ = s.out.Write(id)
	s.write(`,"result":{`)
	if isModern {
		s.write(`"resultType":"complete",`)
		s.write(modernOnly)
	}
}

func (s *server) fail(id []byte, code int, text string) {
	s.write(`{"jsonrpc":"2.0","id":`)
	_, _ = s.out.Write(id)
	s.write(`,"error":{"code":` + strconv.Itoa(code) + `,"message":` + strconv.Quote(text) + "}}\n")
}

func (s *server) write(text string) { _, _ = s.out.WriteString(text) }

// tools is the catalog as the member of a result.
func tools(extra int) []byte {
	const schema = `"inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`
	const reads = `"annotations":{"readOnlyHint":true,"openWorldHint":false}`
	b := []byte(`"tools":[{"name":"echo","description":"Returns the text.",` + schema + `,` + reads + `},` +
		`{"name":"put","description":"Stores the text and returns it.",` + schema + `,"annotations":{"readOnlyHint":false,"destructiveHint":false,"openWorldHint":false}}`)
	for i := range extra {
		b = fmt.Appendf(b, `,{"name":"t%05d","description":"Returns the text.",%s,%s}`, i+1, schema, reads)
	}
	return append(b, ']')
}
