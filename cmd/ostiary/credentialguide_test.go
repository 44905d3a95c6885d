package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// echoServer is a real server over HTTP that says in its results what credential it
// got, in several encodings.
type echoServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []http.Header
	methods  map[string]bool
	refused  string // a credential that does not count any more
	ended    chan struct{}
}

func newEchoServer(t *testing.T, stateless bool) *echoServer {
	e := &echoServer{methods: map[string]bool{}, ended: make(chan struct{}, 16)}
	s := mcp.NewServer(&mcp.Implementation{Name: "echo", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "whoami", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			var all []mcp.Content
			for _, text := range echoes(req.Extra.Header.Get("Authorization")) {
				all = append(all, &mcp.TextContent{Text: text})
			}
			return &mcp.CallToolResult{Content: all}, nil, nil
		})
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: stateless})
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.requests = append(e.requests, r.Header.Clone())
		e.methods[r.Method] = true
		refused := e.refused != "" && r.Header.Get("Authorization") == e.refused
		e.mu.Unlock()
		if r.Method == http.MethodDelete {
			e.ended <- struct{}{}
		}
		if refused {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

// echoes are the encodings in which a credential comes back here.
func echoes(credential string) []string {
	_, token, _ := strings.Cut(credential, " ")
	return []string{
		credential, token, hex.EncodeToString([]byte(token)), url.QueryEscape(credential),
		base64.StdEncoding.EncodeToString([]byte("a" + credential + "zz")), base64.URLEncoding.EncodeToString([]byte(token)),
		`{"authorization":"` + credential + `"}`,
	}
}

// seen are the credentials that came since the last look.
func (e *echoServer) seen() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string]bool{}
	for _, h := range e.requests {
		all[h.Get("Authorization")] = true
	}
	e.requests = nil
	return slices.Sorted(maps.Keys(all))
}

func (e *echoServer) refuse(credential string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = credential
}

// whoami calls the tool and returns its text; the credential must not be in it.
func whoami(t *testing.T, d *doorway, s *mcp.ClientSession, credential string) (code string) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami", Arguments: struct{}{}})
	if err != nil || len(res.Content) == 1 {
		code, _ = d.answer(res, err)
		return code
	}
	var all strings.Builder
	for _, c := range res.Content {
		all.WriteString(c.(*mcp.TextContent).Text + "\n")
	}
	for _, leak := range echoes(credential) {
		if len(leak) > 40 {
			leak = leak[8:32]
		}
		if strings.Contains(all.String(), leak) {
			t.Errorf("%q comes back in %q", leak, all.String())
		}
	}
	if n := strings.Count(all.String(), "[REDACTED:known]"); n < len(echoes(credential)) {
		t.Errorf("%d marks in %q", n, all.String())
	}
	return ""
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// TestGuideToCredentials carries out every policy of the guide: what the server
// gets, what it does not get, and that nothing of it comes back.
func TestGuideToCredentials(t *testing.T) {
	var policies []string
	for _, s := range snippets(document(t, "../../docs/guides/upstream-credentials.md")) {
		if s.language == "yaml" {
			policies = append(policies, s.text)
		}
	}
	names := []string{"a file", "a program", "principals", "an issuer"}
	if len(policies) != len(names) {
		t.Fatalf("the guide has %d policies", len(policies))
	}
	secrets, bin := t.TempDir(), t.TempDir()
	var given, asked int
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, _ := r.BasicAuth()
		if id != "the-door" || secret != "the-clients-secret" || r.FormValue("scope") != "tickets:read" || !strings.HasPrefix(r.FormValue("resource"), "http://localhost:") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		given++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"token-of-the-issuer-%d","token_type":"Bearer","expires_in":3600}`, given)
	}))
	t.Cleanup(issuer.Close)
	if err := os.WriteFile(filepath.Join(bin, "pass"), []byte("#!/bin/sh\n[ \"$1 $2\" = 'show tracker' ] && [ -z \"$OTHER\" ] && cat \"$PASSWORD_STORE_DIR/store\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("PASSWORD_STORE_DIR", secrets)
	t.Setenv("OTHER", "must not reach the program")

	policies = append(policies, policies[2])
	for i, name := range append(names, "principals") { // they once more in the era without sessions
		t.Run(name, func(t *testing.T) {
			upstream := newEchoServer(t, i == len(names))
			for file, text := range map[string]string{"tracker": "first-of-the-file", "tracker-alice": "token-of-alice", "tracker-bob": "token-of-bob", "client": "the-clients-secret", "store": "first-of-the-store"} {
				put(t, filepath.Join(secrets, file), text)
			}
			policy := strings.NewReplacer(
				"url: https://tracker.example/mcp", "url: "+strings.Replace(upstream.URL, "127.0.0.1", "localhost", 1)+"\n    allow_private: [localhost]",
				"token_url: https://issuer.example/token", "token_url: "+issuer.URL+"\n        allow_private: [127.0.0.1]",
				"/run/secrets/", secrets+"/",
			).Replace(policies[i])
			d := newDoorway(t, policy)
			at := d.servingOf("tracker")
			sessions := map[string]*mcp.ClientSession{}
			for _, who := range []string{"alice", "bob", "carol"} {
				s, err := connect(t, at, d.key(who))
				if err != nil {
					if name != "principals" || who != "carol" {
						t.Fatalf("%s: %v", who, err)
					}
					continue
				}
				t.Cleanup(func() { s.Close() })
				sessions[who] = s
			}
			want := func(credentials ...string) {
				t.Helper()
				if got := upstream.seen(); !slices.Equal(got, credentials) {
					t.Errorf("the server got %q, want %q", got, credentials)
				}
			}
			switch name {
			case "principals":
				if sessions["carol"] != nil {
					t.Error("who has no credential has a session")
				}
				want("Bearer token-of-alice", "Bearer token-of-bob")
				for _, who := range []string{"alice", "bob"} {
					if code := whoami(t, d, sessions[who], "Bearer token-of-"+who); code != "" {
						t.Errorf("%s: %s", who, code)
					}
					want("Bearer token-of-" + who)
				}
			case "a file", "a program", "an issuer":
				of := map[string]string{"a file": "of-the-file", "a program": "of-the-store", "an issuer": "token-of-the-issuer-"}[name]
				first, second := "Bearer first-"+of, "Bearer second-"+of
				if name == "an issuer" {
					first, second = "Bearer "+of+"1", "Bearer "+of+"2"
				}
				for who, s := range sessions {
					if code := whoami(t, d, s, first); code != "" {
						t.Errorf("%s: %s", who, code)
					}
				}
				want(first)
				put(t, filepath.Join(secrets, "tracker"), "second-of-the-file")
				put(t, filepath.Join(secrets, "store"), "second-of-the-store")
				upstream.refuse(first)
				if code := whoami(t, d, sessions["alice"], second); code != "" {
					t.Errorf("after the change: %s", code)
				}
				if got := upstream.seen(); !slices.Contains(got, second) {
					t.Errorf("the server got %q", got)
				}
				if name == "an issuer" && asked != 2 {
					t.Errorf("the issuer was asked %d times", asked)
				}
			}
			log := d.command("audit", "query", "--json")
			for _, secret := range []string{"of-the-file", "of-the-store", "token-of-alice", "token-of-the-issuer", "the-clients-secret"} {
				if strings.Contains(log, secret) {
					t.Errorf("%s is in the log", secret)
				}
			}
			if name == "principals" && !strings.Contains(log, "credential_missing") {
				t.Error("the refusal is not in the log")
			}
		})
	}
}

// No request of either era and no method carries what the caller sent.
func TestServePassesNoCredentialOn(t *testing.T) {
	for _, stateless := range []bool{false, true} {
		t.Run(fmt.Sprintf("stateless=%t", stateless), func(t *testing.T) {
			upstream := newEchoServer(t, stateless)
			d := newDoorway(t, fmt.Sprintf("version: 1\nupstreams:\n  echo:\n    url: %s\n    allow_private: [localhost]\n    credential: {header: X-Own, value: own-credential}\nrules:\n  - {tool: \"echo/*\", effect: read}\n",
				strings.Replace(upstream.URL, "127.0.0.1", "localhost", 1)))
			at := d.servingOf("echo")
			key := d.key("alice")
			s, err := connect(t, at, key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami", Arguments: struct{}{}}); err != nil {
				t.Fatal(err)
			}
			s.Close()
			if !stateless {
				select {
				case <-upstream.ended:
				case <-time.After(30 * time.Second):
					t.Error("the session at the server was not ended")
				}
			}
			upstream.mu.Lock()
			defer upstream.mu.Unlock()
			for _, h := range upstream.requests {
				if text := fmt.Sprint(h); strings.Contains(text, key) || strings.Contains(text, "ost_key_") || len(h["Authorization"]) > 0 || h.Get("X-Own") != "own-credential" {
					t.Errorf("the server got %v", h)
				}
			}
			if len(upstream.requests) < 2 || !upstream.methods[http.MethodPost] || !stateless && !upstream.methods[http.MethodDelete] {
				t.Errorf("control: %d requests, %v", len(upstream.requests), upstream.methods)
			}
		})
	}
}
