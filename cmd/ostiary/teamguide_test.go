package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestGuideToTeams carries out the guide: its policy, its keys, and what it says
// that each person sees.
func TestGuideToTeams(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the demonstration")
	}
	t.Setenv("PATH", withoutRace(t)+os.Getenv("PATH")) // the demonstration parses SQL
	page := document(t, "../../docs/guides/team-gateway.md")
	d := newDoorway(t, "")
	dir := filepath.Dir(d.policy)
	var policy string
	keys := map[string]string{}
	run := func(line string) string {
		t.Helper()
		c := exec.Command("sh", "-c", line+" --state '"+d.state+"'")
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	var url string
	sessions := map[string]*mcp.ClientSession{}
	for _, s := range snippets(page) {
		for line := range strings.Lines(s.text) {
			line = strings.TrimSpace(line)
			switch {
			case s.language == "yaml" && policy == "":
				policy = s.text
				if err := os.WriteFile(d.policy, []byte(policy+"approvals: {wait: 0s, notify: none}\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			case s.language == "yaml" && strings.Contains(s.text, "views:"):
				if err := os.WriteFile(filepath.Join(dir, "practice", "views.yaml"), []byte(s.text), 0o600); err != nil {
					t.Fatal(err)
				}
			case s.language != "sh":
			case strings.HasPrefix(line, "ostiary demo"):
				if out, err := exec.Command("ostiary", "demo", "--keep", filepath.Join(dir, "practice")).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				d.policy = filepath.Join(dir, "practice", "team.yaml")
			case strings.HasPrefix(line, "ostiary serve"):
				url = d.servingOf("files")
			case strings.HasPrefix(line, "ostiary key create"):
				who := regexp.MustCompile(`--principal (\S+)`).FindStringSubmatch(line)[1]
				keys[who] = regexp.MustCompile(`ost_key_\S+`).FindString(run(line))
				session, err := connect(t, url, keys[who])
				if err != nil {
					t.Fatalf("%s: %v", who, err)
				}
				t.Cleanup(func() { session.Close() })
				sessions[who] = session
			case strings.HasPrefix(line, "ostiary audit query"):
				table := regexp.MustCompile("(?m)^\\| (\\w+) \\| (`.*`) \\|$").FindAllStringSubmatch(page, -1)
				if len(table) != len(sessions) {
					t.Fatalf("the table has %d rows for %d people", len(table), len(sessions))
				}
				for _, row := range table {
					want := strings.Fields(strings.ReplaceAll(row[2], "`", ""))
					list, err := sessions[row[1]].ListTools(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					var got []string
					for _, tool := range list.Tools {
						got = append(got, tool.Name)
					}
					if slices.Sort(got); !slices.Equal(got, want) {
						t.Errorf("%s sees %q, and the guide says %q", row[1], got, want)
					}
				}
				args := map[string]any{"path": "a.txt", "content": "x"}
				res, err := sessions["ann"].CallTool(t.Context(), &mcp.CallToolParams{Name: "write_file", Arguments: args})
				if code, text := d.answer(res, err); code != "policy_scope" || !strings.Contains(text, "files:write") {
					t.Errorf("ann's write: %q %q", code, text)
				}
				res, err = sessions["ben"].CallTool(t.Context(), &mcp.CallToolParams{Name: "write_file", Arguments: args})
				if code, text := d.answer(res, err); code != "" && code != "approval_pending" {
					t.Errorf("ben's write: %q %q", code, text)
				}
				if out := run(line); !strings.Contains(out, "policy_scope") || strings.Contains(out, "ben") {
					t.Errorf("%s\n%s", line, out)
				}
			case strings.HasPrefix(line, "ostiary policy lint"):
				if out := run(line); !strings.Contains(out, "of ben opens the views files-reader and files-writer of files") {
					t.Errorf("%s\n%s", line, out)
				}
			case strings.HasPrefix(line, "ostiary key revoke"):
				prefix := strings.Split(keys["ann"], "_")[2]
				run(strings.Replace(line, "PREFIX", prefix, 1))
				d.until("the end of ann's key", func() bool {
					s, err := connect(t, url, keys["ann"])
					if err == nil {
						s.Close()
					}
					return err != nil
				})
			default:
				run(line)
			}
		}
	}
	if len(keys) != 2 || url == "" {
		t.Errorf("the guide made %d keys at %q", len(keys), url)
	}
}
