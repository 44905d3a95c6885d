// Command sdkrelay puts the SDK's server and client back to back in front of the
// command of its arguments.
package main

import (
	"context"
	"log"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/internal/peers/relay"
)

func main() {
	if err := relay.SDK(context.Background(), os.Args[1:], &mcp.StdioTransport{}); err != nil {
		log.Fatal(err)
	}
}
