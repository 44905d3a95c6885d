package relay_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/internal/peers"
	"github.com/ostiary/ostiary/internal/peers/relay"
)

// TestBytes checks that bytes pass both ways untouched and that the child ends
// when the input does.
func TestBytes(t *testing.T) {
	text := strings.Repeat("any bytes \x00\xff\n", 10000)
	var out bytes.Buffer
	if err := relay.Bytes(t.Context(), []string{"cat"}, strings.NewReader(text), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != text {
		t.Errorf("got %d bytes, want %d", out.Len(), len(text))
	}
	if err := relay.Bytes(t.Context(), []string{"false"}, strings.NewReader(""), &out); err == nil {
		t.Error("a child that fails must be reported")
	}
}

// TestSDK calls a tool through the SDK's client and server back to back.
func TestSDK(t *testing.T) {
	child := peers.Build(t, "./internal/peers/cmd/echo")
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- relay.SDK(context.Background(), []string{child}, &mcp.IOTransport{Reader: toServer, Writer: fromServer})
	}()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: toClient, Writer: fromClient}, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "put", Arguments: map[string]any{"text": "hello"}})
	if err != nil || res.Content[0].(*mcp.TextContent).Text != "hello" {
		t.Fatalf("tools/call gave %v, %v", res, err)
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the relay ended with %v", err)
	}
}
