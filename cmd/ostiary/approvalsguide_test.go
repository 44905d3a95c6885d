package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/wire"
)

// TestGuideToApprovals carries out the guide from top to bottom in one folder. The
// agent, its client and the person who sits at the client are the test, with the
// official SDK; door, server, command line and store are the real ones.
func TestGuideToApprovals(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the demonstration and waits for a call that nobody answers")
	}
	t.Parallel()
	first := withoutRace(t) // the demonstration parses SQL
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	patience, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	page := strings.ReplaceAll(document(t, "../../docs/guides/approvals.md"), "alice", peer.User)
	g := &approvalsRun{
		guideRun: guideRun{t: t, dir: t.TempDir(), first: first}, patience: patience, ids: map[string]string{},
		answers: make(chan answer, 1), shown: make(chan string, 1), replies: make(chan string, 1), watched: make(chan string, 64),
	}
	for _, s := range snippets(page) {
		switch s.language {
		case "yaml":
			g.policy(s.text)
		case "json":
			g.connect(s.text)
		case "sh":
			for line := range strings.Lines(s.text) {
				g.types(strings.TrimSpace(line))
			}
		case "text":
			g.text(s.text)
		}
	}
	g.succeeded()
	g.leaveWatch()
	if g.compared < 30 {
		t.Errorf("the guide shows %d outputs and answers", g.compared)
	}
}

type approvalsRun struct {
	guideRun
	patience context.Context
	session  *mcp.ClientSession
	ids      map[string]string // what REQUEST, GRANT and TOKEN stand for
	compared int
	watch    *exec.Cmd
	expected string // of the watch, said when it was started
	starting bool   // the next text is that
	printed  strings.Builder
	watched  chan string // its lines
	answers  chan answer // to the calls
	shown    chan string // by the client to its person
	replies  chan string // of that person
}

type answer struct{ code, text string }

// policy keeps the first policy; others show what cannot be tried here.
func (g *approvalsRun) policy(text string) {
	g.t.Helper()
	file := filepath.Join(g.dir, "practice", "asks.yaml")
	if _, err := os.Stat(file); err == nil {
		return
	}
	text = strings.Replace(text, "notify: desktop", "notify: none", 1) // whoever runs this test may have one
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// connect starts the door as the client would. The client shows forms.
func (g *approvalsRun) connect(config string) {
	g.t.Helper()
	g.succeeded()
	var file struct {
		MCPServers map[string]struct {
			Command string
			Args    []string
		}
	}
	if err := json.Unmarshal([]byte(config), &file); err != nil {
		g.t.Fatal(err)
	}
	start := file.MCPServers["demo"]
	door := g.program(start.Command, start.Args)
	door.Dir, door.Stderr = g.dir, os.Stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "guide", Version: "1"}, &mcp.ClientOptions{
		ElicitationHandler: func(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			g.shown <- r.Params.Message
			select {
			case word := <-g.replies:
				return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"decision": word}}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	})
	session, err := client.Connect(g.t.Context(), &mcp.CommandTransport{Command: door}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	g.session = session
	g.t.Cleanup(func() {
		if err := session.Close(); err != nil {
			g.t.Error(err)
		}
	})
}

var (
	waitingLine = regexp.MustCompile(`^([0-9a-z]{16}) waits `)
	grantID     = regexp.MustCompile(`(?m)^granted (g-[a-z2-7]{16})$`)
	grantToken  = regexp.MustCompile(`ost_cap_[\w-]+`)
)

// named puts in what the words of the guide stand for.
func (g *approvalsRun) named(text string) string {
	for word, id := range g.ids {
		text = strings.ReplaceAll(text, word, id)
	}
	return text
}

// types is what the person types at another terminal.
func (g *approvalsRun) types(line string) {
	g.t.Helper()
	if strings.Contains(line, "approvals watch") {
		g.startWatch(line)
		return
	}
	g.command(g.named(line))
	if m := grantID.FindStringSubmatch(g.out); m != nil {
		g.ids["GRANT"] = m[1]
	}
	if token := grantToken.FindString(g.out); token != "" {
		g.ids["TOKEN"] = token
	}
}

func (g *approvalsRun) startWatch(line string) {
	g.t.Helper()
	g.succeeded()
	g.watch = exec.CommandContext(g.patience, "sh", "-c", "exec "+line)
	g.watch.Env = g.env()
	g.watch.Dir, g.watch.Stderr, g.starting = g.dir, os.Stderr, true
	out, err := g.watch.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.watch.Start(); err != nil {
		g.t.Fatal(err)
	}
	go func() {
		defer close(g.watched)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			g.watched <- lines.Text()
		}
	}()
}

// asked waits until the watch shows another request.
func (g *approvalsRun) asked() {
	g.t.Helper()
	for {
		select {
		case line, ok := <-g.watched:
			if !ok {
				g.t.Fatal("the watch has ended")
			}
			g.printed.WriteString(line + "\n")
			if m := waitingLine.FindStringSubmatch(line); m != nil {
				g.ids["REQUEST"] = m[1]
				return
			}
		case early := <-g.answers:
			g.t.Fatalf("nobody was asked, and the agent got %+v", early)
		case <-g.patience.Done():
			g.t.Fatalf("after %s nobody was asked", g.last)
		}
	}
}

func (g *approvalsRun) leaveWatch() {
	g.t.Helper()
	if err := g.watch.Process.Signal(os.Interrupt); err != nil {
		g.t.Fatal(err)
	}
	for line := range g.watched {
		g.printed.WriteString(line + "\n")
	}
	if err := g.watch.Wait(); err != nil {
		g.t.Errorf("the watch: %v", err)
	}
	g.compare("the watch", g.printed.String(), g.expected)
}

// said splits what somebody says from who says it; further lines are indented.
var said = regexp.MustCompile(`(?m)^(agent|door|client|person) +(.*(?:\n {8}.*)*)\n`)

// text is the output of the last command, or a conversation.
func (g *approvalsRun) text(text string) {
	g.t.Helper()
	lines := said.FindAllStringSubmatch(text, -1)
	switch {
	case g.starting:
		g.expected, g.starting = text, false
		return
	case lines == nil:
		g.compare(g.last, g.out, g.named(text))
		g.exit = 0 // the guide has said so
		return
	}
	g.succeeded()
	calling := false
	for _, m := range lines {
		if m[1] == "client" {
			g.asked() // the text names the request
		}
		what := strings.ReplaceAll(g.named(m[2]), "\n        ", "\n")
		switch m[1] {
		case "agent":
			calling = true
			g.calls(what)
		case "client":
			select {
			case text := <-g.shown:
				g.compare("the client's dialog", text, what)
			case <-g.patience.Done():
				g.t.Fatal("the client's person was not asked")
			}
		case "person":
			g.replies <- what
		case "door":
			calling = false
			got := <-g.answers
			g.compare("the agent", strings.TrimSpace(got.code+" "+got.text), what)
		}
	}
	if calling {
		g.asked()
	}
}

func (g *approvalsRun) calls(what string) {
	g.t.Helper()
	tool, args, _ := strings.Cut(what, " ")
	go func() {
		res, err := g.session.CallTool(g.patience, &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(args)})
		if err != nil {
			g.answers <- answer{"", err.Error()}
			return
		}
		var a answer
		if d, ok := res.Meta[wire.MetaDecision].(map[string]any); ok {
			a.code, _ = d["code"].(string)
		}
		for _, c := range res.Content {
			if text, ok := c.(*mcp.TextContent); ok {
				a.text += unmarked(text.Text)
			}
		}
		g.answers <- a
	}()
}

func (g *approvalsRun) compare(who, got, want string) {
	g.t.Helper()
	g.compared++
	if !likeShown(got, want) {
		g.t.Errorf("%s gives\n%s\nand the guide shows\n%s", who, got, want)
	}
}
