package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxSlow bounds the tool slow, in seconds.
const maxSlow = 120

// addPretenders adds the tools that only say what they would have done.
func addPretenders(s *mcp.Server) {
	const text = `{"type":"string"}`

	add(s, &mcp.Tool{
		Name: "query", Description: "Run one SQL statement on the reporting database (PostgreSQL) and return its rows.",
		InputSchema: object("sql", text), Annotations: reads(false),
	}, func(_ context.Context, in struct{ SQL string }) (string, error) {
		return "statement received: " + in.SQL + "\nregion | total\nnorth | 1200\nsouth | 950\n", nil
	})

	add(s, &mcp.Tool{
		Name: "run", Description: "Run a program: its name and its arguments.",
		InputSchema: object("argv", `{"type":"array","items":{"type":"string"},"minItems":1}`),
	}, func(_ context.Context, in struct{ Argv []string }) (string, error) {
		return fmt.Sprintf("would run: %q", in.Argv), nil
	})

	add(s, &mcp.Tool{
		Name: "slow", Description: "Wait for some seconds and say so.",
		InputSchema: object("seconds", fmt.Sprintf(`{"type":"number","minimum":0,"maximum":%d}`, maxSlow)),
		Annotations: reads(false),
	}, func(ctx context.Context, in struct{ Seconds float64 }) (string, error) {
		wait := time.NewTimer(time.Duration(min(in.Seconds, maxSlow) * float64(time.Second)))
		defer wait.Stop()
		select {
		case <-wait.C:
			return fmt.Sprintf("waited %g s", in.Seconds), nil
		case <-ctx.Done():
			return "", fmt.Errorf("cancelled: %w", ctx.Err())
		}
	})

	add(s, &mcp.Tool{
		Name: "fetch", Description: "Fetch a web page.",
		InputSchema: object("url", text), Annotations: reads(true),
	}, func(_ context.Context, in struct{ URL string }) (string, error) {
		return "would fetch: " + in.URL, nil
	})

	add(s, &mcp.Tool{
		Name: "secret", Description: "Keep a note in the vault that the token opens.",
		InputSchema: object("token", text, "note", text), Annotations: changes(false),
	}, func(_ context.Context, in struct{ Token, Note string }) (string, error) {
		return fmt.Sprintf("note of %d characters kept; the token has %d and ends in %q",
			len(in.Note), len(in.Token), in.Token[max(0, len(in.Token)-2):]), nil
	})
}

// Tools are the names of the server's tools, in the order of the alphabet.
func Tools() []string {
	return strings.Fields("delete_file fetch order query read_file run search secret slow write_file")
}
