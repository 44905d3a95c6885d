package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/wire"
)

// TestRevokeTakesEverything: one command takes a token, a grant that the door holds
// and an approval that was not used, in a door that runs.
func TestRevokeTakesEverything(t *testing.T) {
	d := newDoorway(t, `version: 1
rules: [{tool: "one/put", effect: destructive, world: closed}]
approvals: {wait: 100ms, notify: none}
`)
	door, _ := d.open("one")
	peer, err := auth.OSPeer("/proc")
	if err != nil {
		t.Fatal(err)
	}
	d.until("the list of tools", func() bool { code, _ := d.call(door, "put", "first"); return code == "approval_pending" })
	id := regexp.MustCompile(`"id":"([0-9a-z]+)"`).FindStringSubmatch(d.command("approvals", "--json"))[1]
	d.command("approve", id, "--yes", "--config", d.policy) // and not used
	create := func(tool string, more ...string) string {
		return d.command(append([]string{"grant", "create", "--principal", peer.User, "--tool", tool, "--uses", "5", "--reason", "r"}, more...)...)
	}
	token := regexp.MustCompile(`ost_cap_\S+`).FindString(create("one/put", "--token", "--when", `call.args.text == "by token"`))
	create("one/put", "--when", `call.args.text == "by grant"`)
	present := func() (code, text string) {
		return d.answer(door.CallTool(t.Context(), &mcp.CallToolParams{
			Meta: mcp.Meta{wire.MetaGrant: token}, Name: "put", Arguments: map[string]any{"text": "by token"},
		}))
	}
	if code, text := present(); code != "" {
		t.Fatalf("the token does not count: %q %s", code, text)
	}
	d.until("a call under the grant", func() bool { code, _ := d.call(door, "put", "by grant"); return code == "" })

	d.command("revoke", "--principal", peer.User, "--reason", "it was talked into it")
	if code, text := present(); code != "grant_revoked" {
		t.Errorf("the token: %q %s", code, text)
	}
	d.until("the grant to be gone", func() bool { code, _ := d.call(door, "put", "by grant"); return code == "approval_pending" })
	if code, text := d.call(door, "put", "first"); code != "approval_pending" && code != "approval_void" {
		t.Errorf("the approval: %q %s", code, text)
	}
}

// TestRevokeTakesKeys: the same command takes the API keys of a principal, in a
// gateway that runs, and an archive names them without what opens anything.
func TestRevokeTakesKeys(t *testing.T) {
	upstream, _ := sharedServer(t, true)
	d := newDoorway(t, fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential"))
	url := d.serving()
	mine, second, other := d.key("rita", "notes:read"), d.key("rita", "notes:read"), d.key("walter", "notes:read")
	opens := func(key string) bool { status, _ := d.knock(url, key, ""); return status != http.StatusUnauthorized }
	for _, key := range []string{mine, second, other} {
		if !opens(key) {
			t.Fatal("control: a key does not count")
		}
	}
	if out := d.command("revoke", "--principal", "rita", "--reason", "left the team"); !strings.Contains(out, "2 keys revoked") {
		t.Errorf("%s", out)
	}
	d.until("her keys do not count", func() bool { return !opens(mine) && !opens(second) })
	if !opens(other) {
		t.Error("another's key was taken too")
	}
	for who, want := range map[string]int{"rita": 2, "": 3} {
		file := filepath.Join(t.TempDir(), "incident.tar.gz")
		args := []string{"incident", "export", "--since", "1h", "-o", file}
		if who != "" {
			args = append(args, "--principal", who)
		}
		d.command(args...)
		text := unpacked(t, file)
		if n := strings.Count(text["keys"], `"prefix"`); n != want {
			t.Errorf("%d keys in the archive of %q, want %d:\n%s", n, who, want, text["keys"])
		}
		for _, key := range []string{mine, second, other} {
			sum := sha256.Sum256([]byte(key))
			for name, all := range text {
				for _, secret := range []string{key, key[len(key)-43:], hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:])} {
					if strings.Contains(all, secret) {
						t.Errorf("%s of the archive has something of a key", name)
					}
				}
			}
		}
	}
}

// unpacked are the files of an archive by the first word of their name in state/,
// and by their whole name otherwise.
func unpacked(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := h.Name
		if _, part, ok := strings.Cut(name, "state/"); ok {
			name, _, _ = strings.Cut(part, "-")
		}
		all[name] += string(b)
	}
}
