package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"mvdan.cc/sh/v3/shell"

	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/internal/demo"
)

// documents are the pages whose snippets are checked, from this folder.
func documents(t *testing.T) []string {
	t.Helper()
	guides, err := filepath.Glob("../../docs/guides/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	return append([]string{"../../README.md"}, guides...)
}

func document(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// snippet is a fenced block.
type snippet struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func snippets(page string) []snippet {
	var all []snippet
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		all = append(all, snippet{m[1], m[2]})
	}
	return all
}

// TestSnippets checks every fenced block: policies load, the configurations of
// clients start a door, commands are ones that exist.
func TestSnippets(t *testing.T) {
	for _, path := range documents(t) {
		page := document(t, path)
		if n := strings.Count(page, "\n```"); n != 2*len(snippets(page)) {
			t.Errorf("%s has %d fences and %d blocks", path, n, len(snippets(page)))
		}
		doors := 0
		for _, s := range snippets(page) {
			switch s.language {
			case "yaml":
				checkPolicy(t, path, s.text)
			case "json", "toml":
				doors += checkClient(t, path, s)
			case "sh":
				for line := range strings.Lines(s.text) {
					checkCommand(t, path, strings.TrimSpace(line))
				}
			case "text": // TestReadmeShowsTheDemonstration
			default:
				t.Errorf("%s has a block of %q, which nothing checks", path, s.language)
			}
		}
		if doors == 0 && len(snippets(page)) > 0 { // a page without blocks is for who changes the code
			t.Errorf("%s shows no client configuration with the door", path)
		}
	}
}

func checkPolicy(t *testing.T, path, text string) {
	t.Helper()
	if _, err := config.Parse(path, []byte(text), config.Options{Dir: t.TempDir(), Home: t.TempDir(), SkipSecrets: true}); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// checkClient returns how many doors a client's configuration starts.
func checkClient(t *testing.T, path string, s snippet) (doors int) {
	t.Helper()
	type starts struct {
		Command string
		Args    []string
		URL     string
		Headers map[string]string
	}
	var file map[string]map[string]starts
	if s.language == "toml" { // of TOML only what is also JSON
		m := regexp.MustCompile(`(?m)^command = (.*)\nargs = (.*)$`).FindStringSubmatch(s.text)
		if m == nil {
			t.Fatalf("%s: no command and args in %s", path, s.text)
		}
		s.text = `{"mcp_servers":{"x":{"command":` + m[1] + `,"args":` + m[2] + `}}}`
	}
	if err := json.Unmarshal([]byte(s.text), &file); err != nil {
		t.Errorf("%s: %v in %s", path, err, s.text)
	}
	for _, servers := range file {
		for name, start := range servers {
			if strings.HasSuffix(start.URL, "/"+name+"/mcp") && strings.HasPrefix(start.Headers["Authorization"], "Bearer ${") {
				doors++ // one that ostiary serve opens
				continue
			}
			if start.Command != "ostiary" {
				continue // the server as it was before
			}
			doors++
			var c commands
			if err := parse(&c, start.Args); err != nil {
				t.Errorf("%s: the server %s starts ostiary with %q: %v", path, name, start.Args, err)
			}
			if start.Args[0] == "connect" && c.Connect.Door != "" {
				continue // the end of one that ostiary serve opens
			}
			if start.Args[0] != "run" || c.Run.Name == "" || c.Run.Config == "" && len(c.Run.Command) < 2 {
				t.Errorf("%s: the server %s starts no door with a name and a server: %q", path, name, start.Args)
			}
		}
	}
	return doors
}

// checkCommand accepts a command of ours, a target of the Makefile and the build.
func checkCommand(t *testing.T, path, line string) {
	t.Helper()
	if strings.HasPrefix(line, "echo ") {
		return // TestGuideToRedaction runs it
	}
	words, err := shell.Fields(line, func(string) string { return "" })
	if err != nil || len(words) == 0 {
		t.Errorf("%s: %q: %v", path, line, err)
		return
	}
	switch {
	case strings.HasPrefix(line, "go run ./cmd/ostiary "):
		words = words[3:]
	case words[0] == "ostiary":
		words = words[1:]
	case strings.HasPrefix(line, "runuser -u ostiary -- ostiary "):
		words = words[5:]
	case words[0] == "useradd", words[0] == "usermod", words[0] == "install": // TestGuideToSeparateCustody
		return
	case words[0] == "make" && len(words) == 2:
		if !strings.Contains(document(t, "../../Makefile"), "\n"+words[1]+":") {
			t.Errorf("%s: the Makefile has no %s", path, words[1])
		}
		return
	case line == "go build -o bin/ostiary ./cmd/ostiary":
		return
	default:
		t.Errorf("%s: nothing checks %q", path, line)
		return
	}
	if err := parse(&commands{}, words); err != nil {
		t.Errorf("%s: %q: %v", path, line, err)
	}
}

func parse(c *commands, args []string) error {
	k, err := kong.New(c, kong.Name("ostiary"), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	_, err = k.Parse(args)
	return err
}

// TestReadmeNamesTheCommands checks that the table of commands names each command
// once, and none that is not there.
func TestReadmeNamesTheCommands(t *testing.T) {
	k, err := kong.New(&commands{}, kong.Name("ostiary"))
	if err != nil {
		t.Fatal(err)
	}
	var have, named []string
	for _, leaf := range k.Model.Leaves(true) {
		have = append(have, "ostiary "+leaf.Path())
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ostiary [^`]*)` \\|").FindAllStringSubmatch(document(t, "../../README.md"), -1) {
		named = append(named, m[1])
	}
	slices.Sort(have)
	slices.Sort(named)
	if !slices.Equal(have, named) {
		t.Errorf("the README names the commands\n%q\nand the program has\n%q", named, have)
	}
}

// TestReadmeShowsTheDemonstration checks that policy and output in the README are
// those of `ostiary demo`.
func TestReadmeShowsTheDemonstration(t *testing.T) {
	out, err := demonstrate(t, func(o *demo.Options) { o.Calls = o.Calls[:3] })
	if err != nil {
		t.Fatal(err)
	}
	policies, outputs := 0, 0
	for _, s := range snippets(document(t, "../../README.md")) {
		switch s.language {
		case "yaml":
			policies++
			if s.text != demo.Policy {
				t.Error("the policy of the README is not the one of the demonstration, internal/demo/policy.yaml")
			}
		case "text":
			outputs++
			if !strings.Contains(out, s.text) {
				t.Errorf("the README says\n%s\nand the demonstration\n%s", s.text, out)
			}
		}
	}
	if policies != 1 || outputs != 1 {
		t.Errorf("the README has %d policies and %d outputs, want one of each", policies, outputs)
	}
}
