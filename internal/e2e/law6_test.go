package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLaw6SecretsStopHere sends made-up secrets every way that a call can carry
// them and searches the state directory, the standard error and the refusals for
// them, as they are, encoded, and cut. The control: the harmless word beside each
// secret is found in the log, so the search finds what is there.
func TestLaw6SecretsStopHere(t *testing.T) {
	made := map[string]string{}
	secret := func(name string) string {
		made[name] = strings.ToLower(rand.Text())
		return made[name]
	}
	configured, passed := secret("configured credential"), secret("credential from our environment")
	config := policy(t, fmt.Sprintf(`version: 1
upstreams:
  echo: {env: {API_TOKEN: %s, UPSTREAM_KEY: "${env:LAW6_KEY}"}}
rules:
  - {tool: echo/echo, effect: read, world: closed}
  - {tool: echo/put, effect: write, world: closed, args: {/text: {enum: [never]}}}
`, configured))
	state := stateDir(t)
	c := start(t, door(state, "echo", append(config, "-v"), echoServer()), append(os.Environ(), "LAW6_KEY="+passed))
	c.hello(everyCapability)

	github := "ghp_" + strings.Repeat("A", 8) + rand.Text()[:26] + "zz"
	made["token of a known form"] = github
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + rand.Text() + rand.Text()
	made["JWT"] = jwt
	var refusals []string
	id := 0
	tool := func(name, arguments string) string {
		id++
		return c.tool(id, name, arguments)
	}
	for _, key := range []string{"password", "token", "api_key", "secret", "authorization", "client_secret"} {
		tool("echo", fmt.Sprintf(`{"text":"harmless","nested":{"list":[{%q:%q}]}}`, key, secret("key "+key)))
		refusals = append(refusals, tool("put", fmt.Sprintf(`{"text":"harmless",%q:%q}`, key, secret("key "+key+", refused"))))
	}
	texts := []string{configured, passed, github, jwt}
	for _, s := range texts {
		// Allowed: the server echoes it, so it stands in the result too.
		tool("echo", fmt.Sprintf(`{"text":"harmless %s harmless"}`, s))
		tool("echo", fmt.Sprintf(`{"text":"harmless","note":"see https://x.example/?k=%s&v=1","deep":{"a":[%q]}}`, url.QueryEscape(s), s))
		// Refused by a validator, by the catalog, by the parser, as another method.
		refusals = append(refusals,
			tool("put", fmt.Sprintf(`{"text":%q}`, s)),
			c.call(1000+id, "tools/call", fmt.Sprintf(`{"name":"echo","arguments":{"text":%q,"text":%q}}`, s, s)),
			c.call(2000+id, "tools/call", fmt.Sprintf(`{"name":"echo","arguments":[%q]}`, s)),
			c.call(3000+id, "vendor/method", fmt.Sprintf(`{"x":%q}`, s)),
			c.call(4000+id, "resources/read", fmt.Sprintf(`{"uri":"https://x.example/%s"}`, s)))
		c.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":%q}}`, 5000+id, s)) // not closed
	}
	if err := c.bye(); err != nil {
		t.Error(err)
	}

	kept := map[string][]byte{"standard error": []byte(c.err.String()), "refusals": []byte(strings.Join(refusals, "\n"))}
	err := filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kept[filepath.Base(path)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for file, b := range kept {
		found += bytes.Count(b, []byte("harmless"))
		for name, s := range made {
			for _, form := range []string{s, s[4:20], base64.StdEncoding.EncodeToString([]byte(s))} {
				if i := bytes.Index(b, []byte(form)); i >= 0 {
					t.Errorf("%s: the %s is in it: …%s…", file, name, b[max(0, i-120):min(len(b), i+60)])
					break
				}
			}
		}
	}
	if found < len(made) {
		t.Errorf("control: the harmless words were found only %d times, so the search proves nothing", found)
	}
}
