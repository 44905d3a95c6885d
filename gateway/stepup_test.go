package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/policy"
)

// steps are rules of which one needs two scopes.
func steps() policy.Options {
	return policy.Options{Rows: []policy.Row{
		{Kind: policy.Tool, Pattern: "up/read", Effect: ostiary.EffectRead, Scopes: []string{"a:read"}},
		{Kind: policy.Tool, Pattern: "up/put", Effect: ostiary.EffectWrite, Scopes: []string{"a:write", "a:send"}},
		{Kind: policy.Resource, Pattern: "up/*", Effect: ostiary.EffectRead, Scopes: []string{"a:files"}},
	}}
}

// signedIn has callers prove who they are by "Bearer HOW|SCOPES", and asks those
// with tokens to step up.
func signedIn(o *HTTPOptions, _ *site) {
	resource, err := auth.NewResource(auth.ResourceOptions{URL: "https://door.example/up/mcp", AuthorizationServers: []string{"https://id.example"}})
	if err != nil {
		panic(err)
	}
	o.Authenticate = func(r *http.Request) (ostiary.Principal, string, error) {
		how, scopes, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "|")
		return ostiary.Principal{ID: "ann", Scopes: strings.Fields(scopes)}, how + "|ann", nil
	}
	o.StepUp = func(session string, err error, scopes []string) (int, http.Header) {
		if !auth.FromToken(session) {
			return 0, nil
		}
		return resource.Challenge(err, scopes)
	}
}

const challengeForBoth = `scope="a:write a:send", resource_metadata="https://door.example/.well-known/oauth-protected-resource/up/mcp"`

// TestStepUp: who came with a token is told by the status and the header what the
// whole operation needs; who came otherwise, or has it, gets an answer as ever.
func TestStepUp(t *testing.T) {
	read := `{"jsonrpc":"2.0","id":4,"method":"resources/read","params":{"uri":"file:///x",` + modernMetaText + `}}`
	readFields := []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "resources/read", "Mcp-Name", "file:///x"}
	for _, c := range []struct {
		name, token, body string
		fields            []string
		legacy            bool
		status            int
		challenge, says   string
	}{
		{"modern", "oauth|a:read", modernRead("1", "put", `{}`), modernFields("put"), false, 403, challengeForBoth, `"error":{"code":-32010`},
		{"modern with one of two", "oauth|a:write", modernRead("1", "put", `{}`), modernFields("put"), false, 403, challengeForBoth, `"code":"policy_scope"`},
		{"modern with both", "oauth|a:write a:send", modernRead("1", "put", `{}`), modernFields("put"), false, 200, "", "done"},
		{"legacy", "oauth|a:read", call("1", "put"), nil, true, 403, challengeForBoth, `"error":{"code":-32010`},
		{"legacy with both", "oauth|a:send a:write", call("1", "put"), nil, true, 200, "", "done"},
		{"a resource", "oauth|a:read", read, readFields, false, 403, `scope="a:files"`, `"code":"policy_scope"`},
		{"a resource, held", "oauth|a:files", read, readFields, false, 200, "", "done"},
		{"a key", "key|a:read", modernRead("1", "put", `{}`), modernFields("put"), false, 200, "", `"isError":true`},
		{"a key in a session", "key|a:read", call("1", "put"), nil, true, 200, "", `"isError":true`},
		{"a certificate", "certificate|", modernRead("1", "put", `{}`), modernFields("put"), false, 200, "", `"isError":true`},
		{"a token, refused for something else", "oauth|", modernRead("1", "none", `{}`), modernFields("none"), false, 200, "", "policy_unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := openWeb(t, steps(), signedIn)
			fields := append(slices.Clone(c.fields), "Authorization", "Bearer "+c.token)
			if c.legacy {
				fields = append(fields, "Mcp-Session-Id", w.session("Authorization", "Bearer "+c.token))
			}
			r := w.post(c.body, fields...).want(t, c.status, c.says)
			got := r.header.Get("WWW-Authenticate")
			if c.challenge == "" && got != "" || c.challenge != "" && (!strings.HasPrefix(got, `Bearer error="insufficient_scope"`) || !strings.Contains(got, c.challenge)) {
				t.Errorf("the challenge is %q, want %q", got, c.challenge)
			}
			want := 0
			if strings.Contains(r.body, "done") {
				want = 1
			}
			if got := w.behind.count(); got != want {
				t.Errorf("the server was reached %d times", got)
			}
			if c.status == 403 {
				w.recorded(is{code: "policy_scope"})
			}
		})
	}
}

// TestStepUpWithoutAStatus: where the answer has begun, the text says it.
func TestStepUpWithoutAStatus(t *testing.T) {
	var o HTTPOptions
	signedIn(&o, nil)
	for _, begun := range []bool{false, true} {
		to := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		s := newStream(to, r, ostiary.Principal{ID: "ann"}, "", time.Second)
		s.visit = &visit{e: &Endpoint{o: o}, session: "oauth|ann"}
		if begun {
			s.begin()
		}
		d := ostiary.Decision{Code: ostiary.CodePolicyScope, Stage: "policy", Message: "missing scope a:write"}
		stepsUp := s.asRefusal(d, &ostiary.Rule{Scopes: []string{"a:write"}})
		if err := s.answer([]byte(`{"says":"missing scope a:write"}`)); err != nil {
			t.Fatal(err)
		}
		got := to.Result()
		defer got.Body.Close()
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if begun && (stepsUp || got.StatusCode != 200 || got.Header.Get("WWW-Authenticate") != "") || !begun && (!stepsUp || got.StatusCode != 403) {
			t.Errorf("begun %t: %t, %s, %v", begun, stepsUp, got.Status, got.Header)
		}
		if !strings.Contains(string(body), "missing scope a:write") {
			t.Errorf("begun %t: %s", begun, body)
		}
	}
}

// signer is a client's handler of OAuth, which gets what a challenge asks for.
type signer struct {
	scopes atomic.Pointer[string]
	asked  atomic.Int32
	last   atomic.Pointer[string]
}

func newSigner(scopes string) *signer {
	s := &signer{}
	s.scopes.Store(&scopes)
	return s
}

func (s *signer) TokenSource(context.Context) (oauth2.TokenSource, error) {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "oauth|" + *s.scopes.Load()}), nil
}

func (s *signer) Authorize(_ context.Context, _ *http.Request, resp *http.Response) error {
	defer resp.Body.Close()
	s.asked.Add(1)
	all, err := oauthex.ParseWWWAuthenticate(resp.Header["Www-Authenticate"])
	if err != nil || len(all) != 1 {
		return fmt.Errorf("%d challenges, %w", len(all), err)
	}
	said := all[0].Params["error"] + " " + all[0].Params["scope"]
	s.last.Store(&said)
	more := *s.scopes.Load() + " " + all[0].Params["scope"]
	s.scopes.Store(&more)
	return nil
}

// TestStepUpOfTheSDK: the Go SDK's client signs in anew once, for everything at
// once, and its call goes on. One that cannot is told why and keeps its session.
func TestStepUpOfTheSDK(t *testing.T) {
	w := openWeb(t, steps(), signedIn)
	session := func(h *signer, token string) *mcp.ClientSession {
		t.Helper()
		transport := &mcp.StreamableClientTransport{Endpoint: w.url, HTTPClient: &http.Client{Transport: asBearer{token, w.client.Transport}}, MaxRetries: -1, DisableStandaloneSSE: true}
		if h != nil {
			transport.OAuthHandler = h
		}
		s, err := mcp.NewClient(&mcp.Implementation{Name: "c", Version: "1"}, nil).Connect(t.Context(), transport, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	text := func(r *mcp.CallToolResult, err error) string {
		if err != nil {
			return "error: " + err.Error()
		}
		return r.Content[0].(*mcp.TextContent).Text
	}
	h := newSigner("a:read")
	able := session(h, "")
	if got := text(able.CallTool(t.Context(), &mcp.CallToolParams{Name: "read", Arguments: map[string]any{}})); got != "done" || h.asked.Load() != 0 {
		t.Errorf("the control gave %q after %d sign-ins", got, h.asked.Load())
	}
	if got := text(able.CallTool(t.Context(), &mcp.CallToolParams{Name: "put", Arguments: map[string]any{}})); got != "done" || h.asked.Load() != 1 || *h.last.Load() != "insufficient_scope a:write a:send" {
		t.Errorf("stepping up gave %q after %d sign-ins", got, h.asked.Load())
	}
	unable := session(nil, "oauth|a:read")
	if got := text(unable.CallTool(t.Context(), &mcp.CallToolParams{Name: "put", Arguments: map[string]any{}})); !strings.Contains(got, "error: ") || !strings.Contains(got, "missing scopes a:write, a:send") {
		t.Errorf("a client without sign-in is told %q", got)
	}
	if got := text(unable.CallTool(t.Context(), &mcp.CallToolParams{Name: "read", Arguments: map[string]any{}})); got != "done" {
		t.Errorf("its session gave %q afterwards", got)
	}
}

// asBearer sends a token with what has none.
type asBearer struct {
	token string
	over  http.RoundTripper
}

func (b asBearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.over.RoundTrip(r)
}
