package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type transfer struct {
	To     string `json:"to"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// serveBank is a server made with the official SDK, whose one tool spends.
func serveBank([]string) error {
	s := mcp.NewServer(&mcp.Implementation{Name: "bank", Version: "1"}, nil)
	var paid atomic.Int64
	mcp.AddTool(s, &mcp.Tool{Name: "pay", Description: "Pays."},
		func(_ context.Context, _ *mcp.CallToolRequest, in transfer) (*mcp.CallToolResult, any, error) {
			if in.DryRun {
				return said("would pay 5 to " + in.To), nil, nil
			}
			return said(fmt.Sprintf("paid %d times, now to %s", paid.Add(1), in.To)), nil, nil
		})
	if err := s.Run(context.Background(), &mcp.StdioTransport{}); err != nil && !strings.Contains(err.Error(), "EOF") {
		return err
	}
	return nil
}

// customer connects the official SDK's client to a door in front of the bank;
// its person answers with what reply returns, nil where it shows no forms.
func customer(t *testing.T, version, wait string, reply func(text string) *mcp.ElicitResult) *sdkPeer {
	t.Helper()
	p := &sdkPeer{t: t, stderr: &lockedBuffer{}}
	o := &mcp.ClientOptions{}
	if reply != nil {
		o.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return reply(r.Params.Message), nil
		}
	}
	argv := door(stateDir(t), "bank", policy(t, `
approvals: {wait: `+wait+`}
rules:
  - tool: bank/pay
    effect: spend
    dry_run: {argument: dry_run}
    approve: {channels: [client, cli]}
`), self(t, "sdk-bank"))
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = p.stderr
	session, err := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, o).Connect(t.Context(),
		&mcp.CommandTransport{Command: cmd, TerminateDuration: patience}, &mcp.ClientSessionOptions{ProtocolVersion: version})
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

// TestAPersonAtTheClientDecides has the official SDK's client ask its person in
// both eras: each call is asked about, with what its dry run shows, and only a
// form that says CONFIRM lets it run, once. The control is the confirmed call.
func TestAPersonAtTheClientDecides(t *testing.T) {
	accept := func(word string) *mcp.ElicitResult {
		return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"decision": word}}
	}
	for _, version := range []string{legacyVersion, modernVersion} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			replies, asked := make(chan *mcp.ElicitResult, 8), make(chan string, 8)
			p := customer(t, version, patience.String(), func(text string) *mcp.ElicitResult {
				asked <- text
				return <-replies
			})
			for _, tt := range []struct {
				to    string
				reply *mcp.ElicitResult
				want  string
			}{
				{"Ada", accept("CONFIRM"), "paid 1 times, now to Ada"},
				{"Bob", accept("CANCEL"), "approval_denied"},
				{"Cyd", &mcp.ElicitResult{Action: "decline"}, "approval_denied"},
				{"Ada", accept("CONFIRM"), "paid 2 times, now to Ada"}, // asked again
			} {
				replies <- tt.reply
				got, r := p.text("pay", map[string]any{"to": tt.to, "dry_run": "no"}) // of the wrong type, and made false
				if d, refused := r.Meta["ostiary/decision"].(map[string]any); refused {
					got = fmt.Sprint(d["code"])
				}
				if got != tt.want {
					t.Errorf("after %+v: %q, want %q; %+v", tt.reply, got, tt.want, r)
				}
				select {
				case text := <-asked:
					if !strings.Contains(text, "would pay 5 to "+tt.to) {
						t.Errorf("the person was shown\n%s", text)
					}
				default:
					t.Error("nobody was asked")
				}
			}
		})
	}
}

// A client that shows no form asks nobody, and its call waits for the command
// line.
func TestAClientWithoutForms(t *testing.T) {
	for _, version := range []string{legacyVersion, modernVersion} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := customer(t, version, "0s", nil)
			_, r := p.text("pay", transfer{To: "Ada"})
			if d, _ := r.Meta["ostiary/decision"].(map[string]any); !r.IsError || d["code"] != "approval_pending" {
				t.Errorf("got %+v", r)
			}
		})
	}
}
