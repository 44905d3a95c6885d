package relay

import (
	"context"
	"errors"
	"os"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// SDK starts argv as a child, speaks to it with the SDK's client and serves its
// tools on t with the SDK's server. Only tools pass.
func SDK(ctx context.Context, argv []string, t mcp.Transport) error {
	if len(argv) == 0 {
		return errors.New("relay: no command")
	}
	me := &mcp.Implementation{Name: "sdk-relay", Version: "1"}
	client := mcp.NewClient(me, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		// A relay hands questions on; it does not answer them itself.
		MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: true},
	})
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	upstream, err := client.Connect(ctx, &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = upstream.Close() }()

	server := mcp.NewServer(me, &mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{}})
	for tool, err := range upstream.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		server.AddTool(tool, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return upstream.CallTool(ctx, &mcp.CallToolParams{Name: r.Params.Name, Arguments: r.Params.Arguments})
		})
	}
	return server.Run(ctx, t)
}
