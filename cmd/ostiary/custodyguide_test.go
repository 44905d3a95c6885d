package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// serveFiles is a server over stdio with the tools that the guide names.
func serveFiles() error {
	s := mcp.NewServer(&mcp.Implementation{Name: "files", Version: "1"}, nil)
	for name, reads := range map[string]bool{"read_text_file": true, "write_file": false} {
		mcp.AddTool(s, &mcp.Tool{Name: name, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: reads}},
			func(context.Context, *mcp.CallToolRequest, noteIn) (*mcp.CallToolResult, any, error) {
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "did " + name}}}, nil, nil
			})
	}
	return s.Run(context.Background(), &mcp.StdioTransport{})
}

// someone is an operating-system user.
type someone struct {
	name   string
	id     syscall.Credential
	number string
}

// others are users of this machine beside root. Nothing is changed in its database
// of users: processes get their numbers.
func others(t *testing.T, n int) []someone {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can start processes of several users, so the door of another user is not tested here")
	}
	var found []someone
	for line := range strings.Lines(document(t, "/etc/passwd")) {
		f := strings.Split(line, ":")
		uid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil || uid == 0 || uid == 65534 || len(found) == n {
			continue
		}
		// A group of its own, of which nobody of this machine is a member.
		found = append(found, someone{f[0], syscall.Credential{Uid: uint32(uid), Gid: uint32(54100 + uid)}, f[2]})
	}
	if len(found) < n {
		t.Skipf("SKIPPED: this machine has %d users beside root, and the test needs %d", len(found), n)
	}
	return found
}

func (s someone) with(group uint32) someone {
	s.id.Groups = append(s.id.Groups, group)
	return s
}

// custodyHouse is the machine of the guide in a directory of its own.
type custodyHouse struct {
	t           *testing.T
	dir         string
	door, alice someone
	eve         someone
}

func newCustodyHouse(t *testing.T) *custodyHouse {
	t.Helper()
	users := others(t, 3)
	dir, err := os.MkdirTemp("", "custody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &custodyHouse{t: t, dir: dir, door: users[0], alice: users[1], eve: users[2]}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin", "var", "srv", "run"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ostiary", "files-server"} {
		if err := os.WriteFile(filepath.Join(dir, "bin", name), self, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own := func(path string, mode os.FileMode) {
		if err := os.Chown(path, int(h.door.id.Uid), int(h.door.id.Gid)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	own(filepath.Join(dir, "var"), 0o700) // as useradd makes it
	return h
}

// as is a command line of the guide, carried out by somebody.
func (h *custodyHouse) as(who someone, args ...string) *exec.Cmd {
	for i, a := range args {
		args[i] = h.here(a)
	}
	if args[0] == "ostiary" {
		args[0] = filepath.Join(h.dir, "bin", "ostiary")
	}
	c := exec.Command(args[0], args[1:]...)
	c.Dir = "/"
	c.Env = []string{"PATH=" + filepath.Join(h.dir, "bin") + ":/usr/bin:/bin", "HOME=/", "XDG_STATE_HOME=" + filepath.Join(h.dir, "var", "state")}
	if who.id.Uid != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &who.id}
	}
	return c
}

func (h *custodyHouse) here(text string) string {
	return strings.NewReplacer("/run/ostiary", h.dir+"/run/ostiary", "/var/lib/ostiary", h.dir+"/var", "/srv/files", h.dir+"/srv").Replace(text)
}

// starts runs the door and waits until it listens.
func (h *custodyHouse) starts(c *exec.Cmd) {
	h.t.Helper()
	stderr, err := c.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	lines, said := bufio.NewScanner(stderr), ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "serving files at ") {
			rest := make(chan struct{})
			go func() { defer close(rest); _, _ = io.Copy(io.Discard, stderr) }()
			h.t.Cleanup(func() {
				if err := c.Process.Signal(syscall.SIGTERM); err != nil {
					h.t.Error(err)
				}
				<-rest
				if err := c.Wait(); err != nil {
					h.t.Errorf("serve ended with %v", err)
				}
			})
			return
		}
	}
	h.t.Fatalf("the door did not start: %v\n%s", c.Wait(), said)
}

// session connects as somebody, as the guide configures a client.
func (h *custodyHouse) session(who someone, args ...string) (*mcp.ClientSession, error) {
	h.t.Helper()
	s, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(h.t.Context(), &mcp.CommandTransport{Command: h.as(who, append([]string{"ostiary"}, args...)...)}, nil)
	if err == nil {
		h.t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// says runs a command and returns what it prints, and whether it succeeded.
func (h *custodyHouse) says(who someone, args ...string) (string, bool) {
	out, err := h.as(who, args...).CombinedOutput()
	return string(out), err == nil
}

// TestGuideToSeparateCustody carries out the guide with users of this machine, by
// their numbers: useradd and usermod are what it cannot do.
func TestGuideToSeparateCustody(t *testing.T) {
	h := newCustodyHouse(t)
	d := &doorway{t: t}
	group := h.door.id.Gid
	alice := h.alice.with(group)
	page := document(t, "../../docs/guides/separate-custody.md")
	seen := map[string]bool{}
	var args []string // of the client
	for _, s := range snippets(page) {
		switch s.language {
		case "yaml":
			policy := h.here(strings.NewReplacer(
				"socket_group: ostiary", fmt.Sprintf(`socket_group: "gid:%d"`, group),
				"{user: alice,", fmt.Sprintf(`{user: "uid:%s",`, h.alice.number),
				"[node, /opt/mcp/server-filesystem/dist/index.js, /srv/files]", "[files-server]").Replace(s.text))
			if !strings.Contains(policy, "gid:") || !strings.Contains(policy, "uid:") || !strings.Contains(policy, "[files-server]") {
				t.Fatalf("the guide's policy has another socket_group, user or command:\n%s", policy)
			}
			if err := os.WriteFile(filepath.Join(h.dir, "policy.yaml"), []byte(policy), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		case "json":
			var file map[string]map[string]struct {
				Command string
				Args    []string
			}
			if err := json.Unmarshal([]byte(s.text), &file); err != nil {
				t.Fatal(err)
			}
			args = file["mcpServers"]["files"].Args
			h.used(d, alice, args)
			continue
		}
		for line := range strings.Lines(s.text) {
			words := strings.Fields(line)
			seen[words[0]] = true
			switch {
			case words[0] == "useradd", words[0] == "usermod": // others and with stand for them
			case words[0] == "install":
				for i, w := range words {
					if w == "ostiary" {
						words[i] = strconv.Itoa(int(map[string]uint32{"-o": h.door.id.Uid, "-g": group}[words[i-1]]))
					}
				}
				c := h.as(someone{}, words...)
				c.Dir = h.dir
				if out, err := c.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
			case words[0] == "runuser" && words[5] == "serve":
				h.starts(h.as(h.door, words[4:]...))
			case words[0] == "runuser":
				out, ok := h.says(h.door, append(words[4:], "--json")...)
				if !ok || words[5] == "audit" && strings.Count(out, `"custody":"separate"`) < 2 {
					t.Errorf("%s\n%s", line, out)
				}
			default:
				out, ok := h.says(alice, words...)
				for _, want := range []string{"(?m)^ok +door .* of the user " + regexp.QuoteMeta(h.door.name) + "; to it this user is alice, and its servers are files$", "(?m)^ok +custody +separate"} {
					if !ok || !regexp.MustCompile(want).MatchString(out) {
						t.Errorf("%s\n%s\nlacks %s", line, out, want)
					}
				}
			}
		}
	}
	if len(seen) != 5 || args == nil {
		t.Errorf("the guide used %v, and the client starts %q", seen, args)
	}
	h.attacked(d, alice, args)
}

// used is what alice may do, and what not.
func (h *custodyHouse) used(d *doorway, alice someone, args []string) {
	h.t.Helper()
	s, err := h.session(alice, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	if code, text := d.call(s, "read_text_file", "x"); code != "" || text != "did read_text_file" {
		h.t.Errorf("alice's read: %q %q", code, text)
	}
	if code, _ := d.call(s, "write_file", "x"); code != "policy_scope" {
		h.t.Errorf("alice's write: %q", code)
	}
}

// attacked is what others, and alice with a shell, try; each has a control.
func (h *custodyHouse) attacked(d *doorway, alice someone, args []string) {
	t := h.t
	t.Helper()
	// A shell of alice does not come to what is the door's; the door's user does.
	for _, path := range []string{"/var/lib/ostiary/policy.yaml", "/var/lib/ostiary/state/ostiary/key"} {
		if _, ok := h.says(h.door, "cat", path); !ok {
			t.Errorf("control: the door's user cannot read %s", path)
		}
		if out, ok := h.says(alice, "cat", path); ok {
			t.Errorf("alice reads %s: %s", path, out)
		}
	}
	if out, ok := h.says(alice, "rm", "-f", "/run/ostiary/door"); ok {
		t.Errorf("alice removed the socket: %s", out)
	}
	// Somebody outside of the group is refused by the kernel.
	if s, err := h.session(h.eve, args...); err == nil {
		s.Close()
		t.Error("somebody outside of the group was let in")
	} else if !strings.Contains(err.Error(), "may not connect") {
		t.Errorf("eve is told %v", err)
	}
	if out, ok := h.says(h.eve, "ostiary", "doctor", "--door", "/run/ostiary/door"); ok || !strings.Contains(out, "may not connect") {
		t.Errorf("the doctor tells eve\n%s", out)
	}
	// The same user in the group, without a row, is let in by the name of the user and
	// holds no scopes.
	s, err := h.session(h.eve.with(h.door.id.Gid), args...)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 0 {
		t.Errorf("a user without a row is shown %v, %v", list, err)
	}
	if code, text := d.call(s, "read_text_file", "x"); code != "policy_scope" {
		t.Errorf("a user without a row reads: %q %q", code, text)
	}
	// Root can do all that the door can, and so can the door's own user.
	for _, who := range []someone{{}, h.door} {
		if _, err := h.session(who, args...); err != nil {
			t.Fatal(err)
		}
	}
	for principal, custody := range map[string]string{"alice": "separate", h.eve.name: "separate", "root": "same-user", h.door.name: "same-user"} {
		out, ok := h.says(h.door, "ostiary", "audit", "query", "--json", "--principal", principal)
		if !ok || strings.Count(out, `"custody":"`+custody+`"`) == 0 || strings.Count(out, `"custody":`) != strings.Count(out, `"custody":"`+custody+`"`) {
			t.Errorf("the records of %s do not say %s:\n%s", principal, custody, out)
		}
	}
}
