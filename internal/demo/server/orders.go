package server

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// orderBook is the file beside the workspace in which each order is a line.
const orderBook = "orders.txt"

// addOrders adds the tool that spends: it has a dry run of its own, and believes a
// model that confirms for itself.
func addOrders(s *mcp.Server, p *playground) {
	const text, yes = `{"type":"string"}`, `{"type":"boolean"}`
	t := &mcp.Tool{
		Name: "order", Description: "Order something from the shop. Set confirm to true to confirm, dry_run to true to see what it would cost.",
		InputSchema: json.RawMessage(`{"type":"object","properties":{"item":` + text + `,"order_id":` + text + `,"confirm":` + yes + `,"dry_run":` + yes +
			`},"required":["item"],"additionalProperties":false}`),
		Annotations: changes(true),
	}
	type order struct {
		Item    string
		OrderID string `json:"order_id"`
		DryRun  bool   `json:"dry_run"`
	}
	add(s, t, func(_ context.Context, in order) (string, error) {
		if in.DryRun {
			return fmt.Sprintf("would order %s for 12.50", in.Item), nil
		}
		f, err := p.root.OpenFile(orderBook, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if _, err := fmt.Fprintf(f, "%q %q\n", in.Item, in.OrderID); err != nil {
			return "", err
		}
		book, err := p.root.ReadFile(orderBook)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("order number %d placed: %s for 12.50", strings.Count(string(book), "\n"), in.Item), nil
	})
}
