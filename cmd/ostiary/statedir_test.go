package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestStateDirectoryIsDocumented runs one door and a query and compares every file
// that they make with the table in docs/reference/state-directory.md.
func TestStateDirectoryIsDocumented(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	door := exec.Command("ostiary", "run", "--state", state, "--name", "NAME", "--", "echo-server")
	door.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}
`)
	for _, c := range []*exec.Cmd{door, exec.Command("ostiary", "audit", "query", "--state", state)} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c.Args, err, out)
		}
	}
	patterns := documentedPaths(t)
	log := regexp.MustCompile(`^audit/\d{8}T\d{6}-\d{9}-[0-9a-f]{8}/`)
	digest := regexp.MustCompile(`[0-9a-f]{64}`)
	met := map[string]bool{}
	err := filepath.WalkDir(state, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(state, p)
		if err != nil {
			return err
		}
		name = log.ReplaceAllString(filepath.ToSlash(name), "audit/LOG/")
		name = digest.ReplaceAllString(name, "DIGEST")
		known := false
		for _, pattern := range patterns {
			if ok, err := path.Match(pattern, name); err != nil {
				return err
			} else if ok {
				known, met[pattern] = true, true
			}
		}
		if !known {
			t.Errorf("the door made %s, which the table does not name", name)
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"key", "key.pub", "reserve", "audit/.lock", "audit/LOG/00000000.jsonl", "catalog/NAME.json", "audit/index.sqlite"} {
		if !met[must] {
			t.Errorf("%s was not made, or the table does not name it", must)
		}
	}
}

// documentedPaths are the first cells of the table. A name that begins with "-"
// is the end of the name before it.
func documentedPaths(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../docs/reference/state-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(string(b), -1) {
		var first string
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			name := m[1]
			switch {
			case strings.HasPrefix(name, "-"):
				name = first + name
			case first == "":
				first = name
			case !strings.Contains(name, "/"):
				name = path.Join(path.Dir(first), name)
			}
			all = append(all, name)
		}
	}
	return all
}
