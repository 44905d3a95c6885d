package echo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/internal/peers/echo"
)

func TestServe(t *testing.T) {
	const now = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`
	for _, c := range []struct{ name, in, want string }{
		{
			"escapes and big ids come back as they are",
			`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a\"\u00e9\\"}}}`,
			`{"jsonrpc":"2.0","id":9007199254740993,"result":{"content":[{"type":"text","text":"a\"\u00e9\\"}]}}`,
		},
		{
			"members in any order, blanks anywhere",
			`{ "params" : {"arguments":{"x":{"text":"no"},"text":"yes"} , "name":"put"}, "method": "tools/call", "id" : "s" }`,
			`{"jsonrpc":"2.0","id":"s","result":{"content":[{"type":"text","text":"yes"}]}}`,
		},
		{
			"the modern era",
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"},` + now + `}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"a"}]}}`,
		},
		{"ping", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{
			"a listed extra tool",
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t00002","arguments":{"text":""}}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":""}]}}`,
		},
		{
			"one that is not listed",
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t00003","arguments":{"text":""}}}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"echo: no such tool"}}`,
		},
		{
			"an unknown method", `{"jsonrpc":"2.0","id":null,"method":"x"}`,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"echo: no such method"}}`,
		},
		{"a notification", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, ""},
		{"not JSON", `{"id":`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := echo.Serve(strings.NewReader(c.in+"\n"), &out, echo.Options{Extra: 2}); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSuffix(out.String(), "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestLong sends a line longer than the buffer between two short ones.
func TestLong(t *testing.T) {
	call := func(text string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"` + text + `"}}}` + "\n"
	}
	long := strings.Repeat("x", 300<<10)
	var out bytes.Buffer
	if err := echo.Serve(strings.NewReader(call("a")+call(long)+call("b")), &out, echo.Options{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], long) || !strings.Contains(lines[2], `"b"`) {
		t.Errorf("got %d lines of %d bytes in all", len(lines), out.Len())
	}
}

// TestSDKClient lets the official client judge the answers.
func TestSDKClient(t *testing.T) {
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	go func() { _ = fromServer.CloseWithError(echo.Serve(toServer, fromServer, echo.Options{Extra: 3})) }()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(context.Background(), &mcp.IOTransport{Reader: toClient, Writer: fromClient}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	list, err := session.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 5 {
		t.Fatalf("tools/list gave %v, %v; want 5 tools", list, err)
	}
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "hello"}})
	if err != nil || len(res.Content) != 1 || res.Content[0].(*mcp.TextContent).Text != "hello" {
		t.Fatalf("tools/call gave %v, %v", res, err)
	}
}

// FuzzServe checks that no input breaks the server and that it writes only JSON
// when it reads JSON.
func FuzzServe(f *testing.F) {
	f.Add(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}`)
	f.Add(`{"id":[1,{"a":"}"}],"method":"ping"}`)
	f.Add(`{"id":`)
	f.Fuzz(func(t *testing.T, line string) {
		var out bytes.Buffer
		if err := echo.Serve(strings.NewReader(line), &out, echo.Options{}); err != nil {
			t.Fatal(err)
		}
		if json.Valid([]byte(line)) && !strings.ContainsAny(line, "\n") && out.Len() > 0 && !json.Valid(out.Bytes()) {
			t.Errorf("%q gave %q", line, out.String())
		}
	})
}
