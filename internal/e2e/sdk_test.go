package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// sdkPeer is the official SDK's client behind a door, and what it was told.
type sdkPeer struct {
	*mcp.ClientSession
	t        *testing.T
	elicited chan string
	sampled  chan string
	progress chan *mcp.ProgressNotificationParams
	changed  chan struct{}
	stderr   *lockedBuffer
}

// connectSDK starts a door in front of the official SDK's server.
func connectSDK(t *testing.T, version string, flags []string) *sdkPeer {
	t.Helper()
	return sdkThrough(t, version, door(stateDir(t), "sdk", flags, self(t, "sdk-server")))
}

// sdkThrough is the SDK's client of a program.
func sdkThrough(t *testing.T, version string, argv []string) *sdkPeer {
	t.Helper()
	p := &sdkPeer{t: t, elicited: make(chan string, 8), sampled: make(chan string, 8),
		progress: make(chan *mcp.ProgressNotificationParams, 16), changed: make(chan struct{}, 8), stderr: &lockedBuffer{}}
	client := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{
			Form: &mcp.FormElicitationCapabilities{}, URL: &mcp.URLElicitationCapabilities{}}},
		ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			p.elicited <- r.Params.Message
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "Ada"}}, nil
		},
		//nolint:staticcheck // deprecated or not, the door decides about sampling
		CreateMessageHandler: func(_ context.Context, r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			p.sampled <- unfenced(r.Params.Messages[0].Content.(*mcp.TextContent).Text)
			//nolint:staticcheck // see above
			return &mcp.CreateMessageResult{Role: "assistant", Model: "none", Content: &mcp.TextContent{Text: "four"}}, nil
		},
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { p.progress <- r.Params },
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) {
			select {
			case p.changed <- struct{}{}:
			default: // one is enough
			}
		},
	})
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = p.stderr
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd, TerminateDuration: patience},
		&mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("%v; standard error:\n%s", err, p.stderr)
	}
	p.ClientSession = session
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("closing: %v; standard error:\n%s", err, p.stderr)
		}
	})
	return p
}

// text calls a tool and returns the text of its result.
func (p *sdkPeer) text(name string, arguments any) (string, *mcp.CallToolResult) {
	p.t.Helper()
	r, err := p.CallTool(p.t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		p.t.Fatalf("%s: %v; standard error:\n%s", name, err, p.stderr)
	}
	if len(r.Content) == 0 {
		return "", r
	}
	return unfenced(r.Content[0].(*mcp.TextContent).Text), r
}

const (
	legacyVersion = "2025-11-25"
	modernVersion = "2026-07-28"
)

// TestSDK has the official SDK's client and server talk through the door in both
// eras of the protocol.
func TestSDK(t *testing.T) {
	for _, version := range []string{legacyVersion, modernVersion} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := connectSDK(t, version, policy(t, "pin: {dangerously_unpinned: true}\n"))
			if got := p.InitializeResult(); got.ProtocolVersion != version || got.ServerInfo.Name != "sdk" {
				t.Fatalf("handshake: %+v", got)
			}
			p.lists(t)
			p.calls(t)
			p.elsewhere(t)
			p.asks(t)
			p.changes(t)
			if version == legacyVersion { // gone from 2026-07-28
				if err := p.Ping(t.Context(), nil); err != nil {
					t.Errorf("ping: %v", err)
				}
			}
		})
	}
}

// lists reads every page: the server gives two entries each.
func (p *sdkPeer) lists(t *testing.T) {
	first, err := p.ListTools(t.Context(), nil)
	if err != nil || len(first.Tools) != 2 || first.NextCursor == "" {
		t.Fatalf("the first page of tools: %+v, %v", first, err)
	}
	var names []string
	for tool, err := range p.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := []string{"ask", "count", "greet", "unfold", "wait", "waited"}; !slices.Equal(names, want) {
		t.Errorf("tools %q, want %q", names, want)
	}
	var uris []string
	for r, err := range p.Resources(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		uris = append(uris, r.URI)
	}
	slices.Sort(uris)
	if want := []string{"text://a", "text://b", "text://c"}; !slices.Equal(uris, want) {
		t.Errorf("resources %q, want %q", uris, want)
	}
}

func (p *sdkPeer) calls(t *testing.T) {
	_, r := p.text("greet", greeted{"Ada"})
	structured, err := json.Marshal(r.StructuredContent)
	if err != nil || !strings.Contains(string(structured), `"greeting":"hello Ada"`) {
		t.Errorf("structured content %s, %v", structured, err)
	}
	if _, r := p.text("greet", map[string]any{"nam": "Ada"}); !r.IsError || r.Meta["ostiary/decision"] == nil {
		t.Errorf("a misspelt argument: %+v", r)
	}

	params := &mcp.CallToolParams{Name: "count", Arguments: nothing{}}
	params.SetProgressToken("p")
	if r, err := p.CallTool(t.Context(), params); err != nil || r.IsError {
		t.Fatalf("count: %+v, %v", r, err)
	}
	for i := range 3 {
		if got := <-p.progress; got.Progress != float64(i+1) || got.ProgressToken != "p" {
			t.Errorf("progress %+v", got)
		}
	}

	// Cancelled when the server has said by its progress that it runs.
	ctx, cancel := context.WithCancel(t.Context())
	params = &mcp.CallToolParams{Name: "wait", Arguments: nothing{}}
	params.SetProgressToken("w")
	go func() { <-p.progress; cancel() }()
	if _, err := p.CallTool(ctx, params); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call gave %v", err)
	}
	for got := ""; got != "1"; {
		got, _ = p.text("waited", nothing{}) // the cancellation may be overtaken
	}
}

// elsewhere is what is no tool.
func (p *sdkPeer) elsewhere(t *testing.T) {
	r, err := p.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "any://x"})
	if err != nil || unfenced(r.Contents[0].Text) != "text of any://x" {
		t.Errorf("resources/read: %+v, %v", r, err)
	}
	g, err := p.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "hello", Arguments: map[string]string{"who": "Ada"}})
	if err != nil || unfenced(g.Messages[0].Content.(*mcp.TextContent).Text) != "greet Ada" {
		t.Errorf("prompts/get: %+v, %v", g, err)
	}
	c, err := p.Complete(t.Context(), &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: "hello"},
		Argument: mcp.CompleteParamsArgument{Name: "who", Value: "A"}})
	if err != nil || !slices.Equal(c.Completion.Values, []string{"Ada"}) {
		t.Errorf("completion/complete: %+v, %v", c, err)
	}
}

// asks has the server ask the person and the model: the form passes and says who
// asks, the link and the model do not.
func (p *sdkPeer) asks(t *testing.T) {
	if got, _ := p.text("ask", question{"form"}); got != "accept Ada state-1" {
		t.Errorf("after a form: %q", got)
	}
	if got := <-p.elicited; got != "[asked by the server sdk] Your name?" {
		t.Errorf("the form says %q", got)
	}
	for _, kind := range []string{"url", "sampling"} {
		r, err := p.CallTool(t.Context(), &mcp.CallToolParams{Name: "ask", Arguments: question{kind}})
		if err == nil && !r.IsError {
			t.Errorf("%s passed: %+v", kind, r)
		}
	}
	if len(p.elicited)+len(p.sampled) != 0 {
		t.Errorf("the client was asked for what is refused: %d, %d", len(p.elicited), len(p.sampled))
	}
}

// changes has the server show one more tool, which can be called at once.
func (p *sdkPeer) changes(t *testing.T) {
	p.text("unfold", nothing{})
	<-p.changed
	if got, r := p.text("late", nothing{}); got != "here" || r.IsError {
		t.Errorf("the new tool: %q, %+v", got, r)
	}
}

// TestSDKSamplingByRule lets the server use the client's model.
func TestSDKSamplingByRule(t *testing.T) {
	for _, version := range []string{legacyVersion, modernVersion} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := connectSDK(t, version, policy(t, "rules:\n  - {method: sdk/sampling/createMessage}\n"))
			if got, r := p.text("ask", question{"sampling"}); r.IsError || !strings.Contains(got, "CreateMessage") {
				t.Errorf("after sampling: %q %+v", got, r)
			}
			if got := <-p.sampled; got != "two and two?" {
				t.Errorf("the model was asked %q", got)
			}
		})
	}
}

// TestModernOnTheWire looks at the bytes of the newest revision: every request
// carries its version, a result asks for input and the call is made again.
func TestModernOnTheWire(t *testing.T) {
	t.Parallel()
	c := start(t, door(stateDir(t), "sdk", nil, self(t, "sdk-server")), nil)
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"e2e","version":"1"},` +
		`"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}`
	wants := func(got string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s\nlacks %s", got, part)
			}
		}
	}
	wants(c.call(1, "server/discover", `{`+meta+`}`), `"id":1`, `"supportedVersions"`, `"2026-07-28"`)
	wants(c.call(2, "tools/call", `{"name":"greet","arguments":{"name":"Ada"},`+meta+`}`), `"resultType":"complete"`, `hello Ada`)
	wants(c.call(3, "tools/call", `{"name":"greet","arguments":{"name":"Ada"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}}}`),
		`wire_version`)

	asked := c.call(4, "tools/call", `{"name":"ask","arguments":{"kind":"form"},`+meta+`}`)
	wants(asked, `"resultType":"input_required"`, `"requestState":"state-1"`, `[asked by the server sdk] Your name?`)
	wants(c.call(5, "tools/call", `{"name":"ask","arguments":{"kind":"form"},"requestState":"state-1",`+
		`"inputResponses":{"q":{"action":"accept","content":{"name":"Ada"}}},`+meta+`}`), `"id":5`, `accept Ada state-1`)
	refused := c.call(6, "tools/call", `{"name":"ask","arguments":{"kind":"url"},`+meta+`}`)
	wants(refused, `"code":"policy_method"`)
	if strings.Contains(refused, "https://example.com/") {
		t.Errorf("the link reached the client: %s", refused)
	}
	if err := c.bye(); err != nil {
		t.Errorf("the door ended with %v:\n%s", err, c.err)
	}
}
