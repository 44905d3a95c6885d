package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type nothing struct{}

type greeting struct {
	Greeting string `json:"greeting"`
}

type greeted struct {
	Name string `json:"name"`
}

type question struct {
	Kind string `json:"kind"`
}

// reads is what an honest reading tool says about itself.
func reads() *mcp.ToolAnnotations {
	no := false
	return &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &no}
}

// serveSDK is a server made with the official SDK, on standard input and output.
// All its tools say that they only read, so that the defaults let them pass.
func serveSDK([]string) error {
	s := mcp.NewServer(&mcp.Implementation{Name: "sdk", Version: "1"}, &mcp.ServerOptions{
		PageSize: 2,
		CompletionHandler: func(_ context.Context, r *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{r.Params.Argument.Value + "da"}}}, nil
		},
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	var cancelled atomic.Int64
	mcp.AddTool(s, &mcp.Tool{Name: "greet", Description: "Greets.", Annotations: reads()},
		func(_ context.Context, _ *mcp.CallToolRequest, in greeted) (*mcp.CallToolResult, greeting, error) {
			return nil, greeting{"hello " + in.Name}, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "count", Description: "Reports progress three times.", Annotations: reads()},
		func(ctx context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			for i := range 3 {
				err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
					ProgressToken: r.Params.GetProgressToken(), Progress: float64(i + 1), Total: 3, Message: fmt.Sprint("step ", i+1),
				})
				if err != nil {
					return nil, nil, err
				}
			}
			return said("counted"), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "wait", Description: "Waits until it is cancelled.", Annotations: reads()},
		func(ctx context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: 1})
			if err != nil {
				return nil, nil, err
			}
			<-ctx.Done()
			cancelled.Add(1)
			return nil, nil, ctx.Err()
		})
	mcp.AddTool(s, &mcp.Tool{Name: "waited", Description: "Says how many waits were cancelled.", Annotations: reads()},
		func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, any, error) {
			return said(fmt.Sprint(cancelled.Load())), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "ask", Description: "Asks the client something.", Annotations: reads()}, ask)
	mcp.AddTool(s, &mcp.Tool{Name: "unfold", Description: "Shows one more tool.", Annotations: reads()},
		func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, any, error) {
			mcp.AddTool(s, &mcp.Tool{Name: "late", Description: "Came later.", Annotations: reads()},
				func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, any, error) {
					return said("here"), nil, nil
				})
			return said("look"), nil, nil
		})
	read := func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.Params.URI, Text: "text of " + r.Params.URI}}}, nil
	}
	for _, name := range []string{"a", "b", "c"} {
		s.AddResource(&mcp.Resource{Name: name, URI: "text://" + name}, read)
	}
	s.AddResourceTemplate(&mcp.ResourceTemplate{Name: "any", URITemplate: "any://{x}"}, read)
	s.AddPrompt(&mcp.Prompt{Name: "hello", Arguments: []*mcp.PromptArgument{{Name: "who"}}},
		func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{
				{Role: "user", Content: &mcp.TextContent{Text: "greet " + r.Params.Arguments["who"]}}}}, nil
		})
	err := s.Run(context.Background(), &mcp.StdioTransport{})
	if err != nil && strings.Contains(err.Error(), "EOF") {
		return nil
	}
	return err
}

// ask asks for input in a result (revision 2026-07-28); the SDK asks older
// clients by a request of its own.
func ask(_ context.Context, r *mcp.CallToolRequest, in question) (*mcp.CallToolResult, any, error) {
	if len(r.Params.InputResponses) > 0 {
		switch answer := r.Params.InputResponses["q"].(type) {
		case *mcp.ElicitResult:
			return said(fmt.Sprintf("%s %v %s", answer.Action, answer.Content["name"], r.Params.RequestState)), nil, nil
		default:
			return said(fmt.Sprintf("%T", answer)), nil, nil
		}
	}
	res := &mcp.CallToolResult{RequestState: "state-1"}
	switch in.Kind {
	case "form":
		res.InputRequests = mcp.InputRequestMap{"q": &mcp.ElicitParams{Mode: "form", Message: "Your name?",
			RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string"}}}}}
	case "url":
		res.InputRequests = mcp.InputRequestMap{"q": &mcp.ElicitParams{Mode: "url", Message: "Sign in", URL: "https://example.com/", ElicitationID: "e"}}
	case "sampling":
		//nolint:staticcheck // deprecated or not, the door decides about sampling
		res.InputRequests = mcp.InputRequestMap{"q": &mcp.CreateMessageParams{MaxTokens: 10,
			Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: "two and two?"}}}}}
	default:
		return nil, nil, errors.New("no such kind")
	}
	return res, nil, nil
}

func said(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}
