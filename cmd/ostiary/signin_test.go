package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestServeSaysWhatToSignInWith: who is nobody yet is told what reading needs, by
// the challenge, and what there is to ask for, by the metadata; not what the groups
// of a token give, which an issuer need not know.
func TestServeSaysWhatToSignInWith(t *testing.T) {
	upstream, _ := sharedServer(t, false)
	policy := fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential") +
		"  - {tool: notes/list, effect: read, scope: \"notes:list\"}\n" +
		"  - {tool: other/read, effect: read, scope: \"other:read\"}\n" +
		"auth: {issuers: [{url: \"https://id.example\", scopes: [{claim: groups, value: eng, scopes: [\"notes:list\"]}]}]}\n"
	d := newDoorway(t, policy)
	url := d.serving()
	get := func(r *http.Request, err error) (status int, challenge, body string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		all, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate"), string(all)
	}
	status, challenge, _ := get(http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}")))
	at := strings.Replace(url, "/notes/mcp", "/.well-known/oauth-protected-resource/notes/mcp", 1)
	if want := `Bearer scope="notes:read", resource_metadata="` + at + `"`; status != 401 || challenge != want {
		t.Errorf("%d with %s, want %s", status, challenge, want)
	}
	status, _, body := get(http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody))
	if status != 200 || !strings.Contains(body, `"scopes_supported":["notes:read","notes:write"]`) {
		t.Errorf("%d: %s", status, body)
	}
}
