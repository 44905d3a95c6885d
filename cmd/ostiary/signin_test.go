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
	get := func(r *http.Request, err error) (*http.Response, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	resp, _ := get(http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}")))
	at := strings.Replace(url, "/notes/mcp", "/.well-known/oauth-protected-resource/notes/mcp", 1)
	if got, want := resp.Header.Get("WWW-Authenticate"), `Bearer scope="notes:read", resource_metadata="`+at+`"`; resp.StatusCode != 401 || got != want {
		t.Errorf("%s with %s, want %s", resp.Status, got, want)
	}
	resp, body := get(http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody))
	if resp.StatusCode != 200 || !strings.Contains(body, `"scopes_supported":["notes:read","notes:write"]`) {
		t.Errorf("%s: %s", resp.Status, body)
	}
}
