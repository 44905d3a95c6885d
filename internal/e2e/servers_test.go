package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/peers"
)

// step is one request of a conversation with a server.
type step struct {
	method, params string
	// random are what differs from run to run by nature, in reply and
	// notifications; each is named in randomness.
	random []string
	// wrong says that the request does not fit what the server lists. The door
	// refuses it whatever the policy says, in its own words.
	wrong bool
	// why explains a difference under the defaults that the code of a refusal
	// does not explain by itself.
	why string
}

// randomness is everything that is normalised before replies are compared.
var randomness = map[string]*regexp.Regexp{
	"the times of a file":                    regexp.MustCompile(`(?:created|modified|accessed): [^\\"]*`),
	"the time in a resource made on request": regexp.MustCompile(`\d{1,2}:\d{2}:\d{2} [AP]M|"blob":"[A-Za-z0-9+/=]+"`),
	"the id of a task":                       regexp.MustCompile(`[0-9a-f]{32}`),
	"the times of a task":                    regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`),
}

// subject is one server with a conversation that calls each of its tools.
type subject struct {
	name         string
	capabilities string
	// ready is a notification that says that the server is set up.
	ready string
	argv  func(t *testing.T, dir string) []string
	// prepare fills dir anew before each run, so that runs do not see each other.
	prepare func(t *testing.T, dir string)
	steps   func(dir string) []step
}

func call(name, arguments string, more ...step) step {
	s := step{method: "tools/call", params: fmt.Sprintf(`{"name":%q,"arguments":%s}`, name, arguments)}
	if len(more) > 0 {
		more[0].method, more[0].params = s.method, s.params
		s = more[0]
	}
	return s
}

func subjects() []subject {
	return []subject{filesystem(), memory(), everything(), sequentialThinking()}
}

func filesystem() subject {
	return subject{
		name:         "filesystem",
		capabilities: `{}`,
		argv: func(t *testing.T, dir string) []string {
			return peers.Server(t, "server-filesystem", dir)
		},
		prepare: func(t *testing.T, dir string) {
			put(t, dir, "notes.txt", "one\ntwo\nthree\n")
			put(t, dir, "sub/deep.md", "# deep\n")
			put(t, dir, "dot.png", "\x89PNG\r\n\x1a\n")
		},
		steps: func(dir string) []step {
			at := func(name string) string { return fmt.Sprintf("%q", filepath.Join(dir, name)) }
			return []step{
				{method: "tools/list", params: `{}`},
				call("read_file", `{"path":`+at("notes.txt")+`}`),
				call("read_text_file", `{"path":`+at("notes.txt")+`,"head":2}`),
				call("read_media_file", `{"path":`+at("dot.png")+`}`),
				call("read_multiple_files", `{"paths":[`+at("notes.txt")+`,`+at("sub/deep.md")+`,`+at("none")+`]}`),
				call("list_directory", `{"path":`+at("")+`}`),
				call("list_directory_with_sizes", `{"path":`+at("")+`,"sortBy":"size"}`),
				call("directory_tree", `{"path":`+at("")+`}`),
				call("search_files", `{"path":`+at("")+`,"pattern":"**/*.md"}`),
				call("get_file_info", `{"path":`+at("notes.txt")+`}`, step{random: []string{"the times of a file"}}),
				call("list_allowed_directories", `{}`),
				call("read_text_file", `{"path":"/etc/passwd"}`), // the server's own refusal passes as it is
				call("write_file", `{"path":`+at("new.txt")+`,"content":"made \"here\"\n"}`),
				call("edit_file", `{"path":`+at("notes.txt")+`,"edits":[{"oldText":"two","newText":"2"}]}`),
				call("create_directory", `{"path":`+at("made")+`}`),
				call("move_file", `{"source":`+at("sub/deep.md")+`,"destination":`+at("moved.md")+`}`),
				call("read_text_file", `{"path":`+at("notes.txt")+`}`, step{
					why: "the edit before it was refused, so the file has its old text"}),
				call("read_text_file", `{"path":`+at("notes.txt")+`,"lines":2}`, step{
					wrong: true, why: "the argument is not in the tool's schema; the door refuses before the server does"}),
				call("no_such_tool", `{}`, step{wrong: true, why: "the server does not list it"}),
			}
		},
	}
}

func memory() subject {
	return subject{
		name:         "memory",
		capabilities: everyCapability,
		argv: func(t *testing.T, dir string) []string {
			// The server's environment is an allow-list; this way needs no policy.
			return append([]string{"/usr/bin/env", "MEMORY_FILE_PATH=" + filepath.Join(dir, "memory.jsonl")},
				peers.Server(t, "server-memory")...)
		},
		prepare: func(t *testing.T, dir string) {
			put(t, dir, "memory.jsonl", `{"type":"entity","name":"Grace","entityType":"person","observations":["writes compilers"]}`+"\n")
		},
		steps: func(string) []step {
			refusedBefore := "what should have written before it was refused"
			return []step{
				{method: "tools/list", params: `{}`},
				{method: "resources/list", params: `{}`},
				{method: "resources/templates/list", params: `{}`},
				{method: "resources/read", params: `{"uri":"memory://knowledge-graph"}`},
				call("open_nodes", `{"names":["Grace"]}`),
				call("create_entities", `{"entities":[{"name":"Ada","entityType":"person","observations":["writes programs"]}]}`),
				call("create_relations", `{"relations":[{"from":"Ada","to":"Grace","relationType":"precedes"}]}`),
				call("add_observations", `{"observations":[{"entityName":"Ada","contents":["likes \u00e9ngines"]}]}`),
				call("read_graph", `{}`, step{why: refusedBefore}),
				call("search_nodes", `{"query":"Ada"}`, step{why: refusedBefore}),
				call("delete_observations", `{"deletions":[{"entityName":"Ada","observations":["writes programs"]}]}`),
				call("delete_relations", `{"relations":[{"from":"Ada","to":"Grace","relationType":"precedes"}]}`),
				call("delete_entities", `{"entityNames":["Ada"]}`),
				call("read_graph", `{}`),
			}
		},
	}
}

func everything() subject {
	return subject{
		name:         "everything",
		capabilities: everyCapability,
		ready:        "Roots updated",
		argv: func(t *testing.T, _ string) []string {
			return peers.Server(t, "server-everything")
		},
		prepare: func(*testing.T, string) {},
		steps: func(string) []step {
			gzip := "data:text/plain;base64," + base64.StdEncoding.EncodeToString([]byte("hello"))
			now := []string{"the time in a resource made on request"}
			return []step{
				{method: "ping", params: `{}`},
				{method: "tools/list", params: `{}`},
				{method: "logging/setLevel", params: `{"level":"info"}`},
				call("echo", `{"message":"big \u0061nd 9007199254740993"}`),
				call("get-annotated-message", `{"messageType":"error","includeImage":true}`),
				call("get-env", `{}`, step{why: "the server's environment is an allow-list, and `EXAMPLE_TOKEN` is not on it"}),
				call("get-resource-links", `{"count":3}`),
				call("get-resource-reference", `{"resourceType":"Text","resourceId":2}`, step{random: now}),
				call("get-structured-content", `{"location":"Chicago"}`),
				call("get-sum", `{"a":2,"b":40}`),
				call("get-tiny-image", `{}`),
				call("get-roots-list", `{}`),
				{method: "tools/call", params: `{"name":"trigger-long-running-operation","arguments":{"duration":0.4,"steps":2},"_meta":{"progressToken":"p"}}`},
				call("gzip-file-as-resource", `{"name":"a.gz","data":"`+gzip+`","outputType":"resource"}`),
				call("toggle-simulated-logging", `{}`),
				call("toggle-simulated-logging", `{}`),
				call("toggle-subscriber-updates", `{}`),
				call("toggle-subscriber-updates", `{}`),
				call("trigger-sampling-request", `{"prompt":"two and two","maxTokens":10}`),
				call("trigger-sampling-request-async", `{"prompt":"two and two","maxTokens":10}`),
				call("trigger-elicitation-request", `{}`),
				call("trigger-elicitation-request-async", `{}`),
				call("trigger-url-elicitation", `{"url":"https://example.com/","elicitationId":"e1"}`),
				{method: "tools/call", params: `{"name":"simulate-research-query","arguments":{"topic":"doors"},"task":{"ttl":60000}}`,
					random: []string{"the id of a task", "the times of a task"}},
				call("get-sum", `{"a":"2","b":40}`, step{wrong: true, why: "the argument does not fit the tool's schema; the door refuses before the server does"}),
				{method: "resources/list", params: `{}`, why: "the resource that `gzip-file-as-resource` should have made is not there"},
				{method: "resources/templates/list", params: `{}`},
				{method: "resources/read", params: `{"uri":"demo://resource/static/document/features.md"}`},
				{method: "resources/read", params: `{"uri":"demo://resource/dynamic/text/1"}`, random: now},
				{method: "resources/read", params: `{"uri":"demo://resource/dynamic/blob/1"}`, random: now},
				{method: "resources/read", params: `{"uri":"demo://no/such"}`},
				{method: "resources/subscribe", params: `{"uri":"demo://resource/dynamic/text/1"}`},
				{method: "resources/unsubscribe", params: `{"uri":"demo://resource/dynamic/text/1"}`},
				{method: "prompts/list", params: `{}`},
				{method: "prompts/get", params: `{"name":"simple-prompt"}`},
				{method: "prompts/get", params: `{"name":"args-prompt","arguments":{"city":"Ghent"}}`},
				{method: "prompts/get", params: `{"name":"completable-prompt","arguments":{"department":"Sales","name":"Eve"}}`},
				{method: "prompts/get", params: `{"name":"resource-prompt","arguments":{"resourceType":"Text","resourceId":"1"}}`, random: now},
				{method: "completion/complete", params: `{"ref":{"type":"ref/prompt","name":"completable-prompt"},"argument":{"name":"department","value":"S"}}`},
				{method: "completion/complete", params: `{"ref":{"type":"ref/prompt","name":"completable-prompt"},"argument":{"name":"name","value":"E"},"context":{"arguments":{"department":"Sales"}}}`},
				{method: "no/such", params: `{}`, why: "the protocol does not know the method"},
			}
		},
	}
}

func sequentialThinking() subject {
	return subject{
		name:         "sequential-thinking",
		capabilities: everyCapability,
		argv: func(t *testing.T, _ string) []string {
			return peers.Server(t, "server-sequential-thinking")
		},
		prepare: func(*testing.T, string) {},
		steps: func(string) []step {
			return []step{
				{method: "tools/list", params: `{}`},
				call("sequentialthinking", `{"thought":"first","nextThoughtNeeded":true,"thoughtNumber":1,"totalThoughts":2}`),
				call("sequentialthinking", `{"thought":"second","nextThoughtNeeded":"false","thoughtNumber":2,"totalThoughts":2,"isRevision":true,"revisesThought":1}`),
				call("sequentialthinking", `{"thought":"third","nextThoughtNeeded":false,"thoughtNumber":0,"totalThoughts":2}`, step{
					wrong: true, why: "the argument does not fit the tool's schema; the door refuses before the server does"}),
			}
		},
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// heard is what a client got in one conversation.
type heard struct {
	handshake string
	replies   []string
	asks      []string
	notes     []string
}

// environ is the environment of the conversations: what the door passes on, and
// one variable that it does not.
func environ(extra ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=C.UTF-8", "TZ=UTC"}
	return append(env, extra...)
}

// converse has the whole conversation with the server behind argv.
func (s subject) converse(t *testing.T, dir string, argv, env []string) heard {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.prepare(t, dir)
	c := start(t, argv, env)
	h := heard{handshake: c.hello(s.capabilities)}
	if s.ready != "" {
		c.until(s.ready, func(_, notes []string) bool { return mentions(notes, s.ready) })
	}
	for i, st := range s.steps(dir) {
		h.replies = append(h.replies, c.call(i+1, st.method, st.params))
	}
	if filepath.Dir(argv[0]) == bin {
		if err := c.bye(); err != nil {
			t.Errorf("the door ended with %v; standard error:\n%s", err, c.err)
		}
	} else {
		c.kill() // server-everything does not end with its input while its timers run
	}
	h.asks, h.notes = c.asks, c.notes
	return h
}

func mentions(lines []string, word string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, word) })
}

func (st step) plain(reply string) string {
	for _, name := range st.random {
		reply = randomness[name].ReplaceAllString(reply, "<"+name+">")
	}
	return reply
}

// tools are the names that a reply to tools/list has.
func tools(t *testing.T, reply string) []string {
	t.Helper()
	var m struct {
		Result struct{ Tools []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(reply), &m); err != nil {
		t.Fatalf("tools/list: %v in %s", err, reply)
	}
	var names []string
	for _, tool := range m.Result.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// TestTransparent compares every reply, question and notification that a client
// gets through the door with those that it gets from the server itself, to the
// byte. It calls every tool of the four servers.
func TestTransparent(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(peers.Root(t), "testdata", "transparent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "workspace")
			server := s.argv(t, dir)
			direct := s.converse(t, dir, server, environ())
			through := s.converse(t, dir, door(stateDir(t), s.name, policy(t, string(text)), server), environ())
			if direct.handshake != through.handshake {
				t.Errorf("handshake\ndirect  %s\nthrough %s", direct.handshake, through.handshake)
			}
			for i, st := range s.steps(dir) {
				if st.wrong {
					continue
				}
				if d, g := st.plain(direct.replies[i]), st.plain(through.replies[i]); d != g {
					t.Errorf("%s %s\ndirect  %s\nthrough %s", st.method, st.params, d, g)
				}
			}
			if !slices.Equal(direct.asks, through.asks) {
				t.Errorf("the server's questions\ndirect  %s\nthrough %s", direct.asks, through.asks)
			}
			if d, g := direct.steady(), through.steady(); !slices.Equal(d, g) {
				t.Errorf("notifications\ndirect  %s\nthrough %s", d, g)
			}
			for i, st := range s.steps(dir) {
				if st.method == "tools/list" {
					s.callsEach(t, tools(t, direct.replies[i]), dir)
				}
			}
		})
	}
}

// steady are the notifications without those that simulate random logging and
// updates, sorted: a reply may overtake a notification and the other way round.
func (h heard) steady() []string {
	var kept []string
	for _, n := range h.notes {
		switch {
		case strings.Contains(n, "notifications/message") && strings.Contains(n, "-level"),
			strings.Contains(n, "Alert level-message"):
		case strings.Contains(n, "notifications/tasks/status"):
		default:
			kept = append(kept, n)
		}
	}
	slices.Sort(kept)
	return kept
}

// callsEach checks that the conversation leaves no tool of the server out.
func (s subject) callsEach(t *testing.T, names []string, dir string) {
	t.Helper()
	for _, name := range names {
		if !slices.ContainsFunc(s.steps(dir), func(st step) bool {
			return st.method == "tools/call" && strings.Contains(st.params, fmt.Sprintf(`"name":%q`, name))
		}) {
			t.Errorf("the conversation never calls %s", name)
		}
	}
}
