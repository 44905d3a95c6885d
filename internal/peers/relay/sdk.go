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
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	server, upstream, err := between(ctx, &mcp.CommandTransport{Command: cmd})
	if err != nil {
		return err
	}
	defer func() { _ = upstream.Close() }()
	return server.Run(ctx, t)
}

// between is a server that offers the tools of the one that is reached by t.
func between(ctx context.Context, t mcp.Transport) (_ *mcp.Server, upstream *mcp.ClientSession, err error) {
	me := &mcp.Implementation{Name: "sdk-relay", Version: "1"}
	client := mcp.NewClient(me, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		// A relay hands questions on; it does not answer them itself.
		MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: true},
	})
	if upstream, err = client.Connect(ctx, t, nil); err != nil {
		return nil, nil, err
	}
	server := mcp.NewServer(me, &mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{}})
	for tool, err := range upstream.Tools(ctx, nil) {
		if err != nil {
			return nil, nil, errors.Join(err, upstream.Close())
		}
		server.AddTool(tool, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return upstream.CallTool(ctx, &mcp.CallToolParams{Name: r.Params.Name, Arguments: r.Params.Arguments})
		})
	}
	return server, upstream, nil
}
