package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

func resource(t *testing.T, change func(*ResourceOptions)) *Resource {
	t.Helper()
	o := ResourceOptions{URL: endpoint, AuthorizationServers: []string{"https://issuer.example"}, Scopes: []string{"fs:read", "fs:write"}, Name: "Files"}
	if change != nil {
		change(&o)
	}
	m, err := NewResource(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestChallenge(t *testing.T) {
	m := resource(t, nil)
	const meta = `resource_metadata="https://door.example/.well-known/oauth-protected-resource/files/mcp"`
	for name, tc := range map[string]struct {
		err    error
		scopes []string
		status int
		want   string // of WWW-Authenticate
	}{
		"nothing sent": {refuse(ostiary.CodeAuthMissing, "sign in"), []string{"fs:read"}, 401, `Bearer scope="fs:read", ` + meta},
		"expired":      {refuse(ostiary.CodeAuthExpired, "over"), nil, 401, `Bearer error="invalid_token", error_description="over", ` + meta},
		"scopes": {refuse(ostiary.CodePolicyScope, "missing"), []string{"fs:read", "fs:write"}, 403,
			`Bearer error="insufficient_scope", error_description="missing", scope="fs:read fs:write", ` + meta},
		"malformed": {refuse(ostiary.CodeAuthMalformed, "no"), nil, 400, `Bearer error="invalid_request", error_description="no", ` + meta},
		"injected": {refuse(ostiary.CodeAuthToken, "a\"b\\c\r\nX: y\u202e\u00e4"), []string{"a\"b", "c d", "e\r\nf", "good"}, 401,
			`Bearer error="invalid_token", error_description="a'bcX: y", scope="good", ` + meta},
		"outage":           {unavailable("x", 0, nil), nil, 503, ""},
		"store":            {refuse(ostiary.CodeStoreBusy, "x"), nil, 503, ""},
		"internal":         {refuse(ostiary.CodeInternal, "x"), nil, 500, ""},
		"no error of ours": {errors.New("x"), nil, 500, ""},
	} {
		status, h := m.Challenge(tc.err, tc.scopes)
		if status != tc.status || h.Get("WWW-Authenticate") != tc.want {
			t.Errorf("%s: %d %s", name, status, h.Get("WWW-Authenticate"))
		}
		if (status == 503) != (h.Get("Retry-After") != "") {
			t.Errorf("%s: retry after %q", name, h.Get("Retry-After"))
		}
	}
	_, h := m.Challenge(unavailable("x", 1500*time.Millisecond, nil), nil)
	if h.Get("Retry-After") != "2" {
		t.Errorf("retry after %s", h.Get("Retry-After"))
	}
	bare := resource(t, func(o *ResourceOptions) { o.AuthorizationServers = nil })
	if _, h := bare.Challenge(refuse(ostiary.CodeAuthMissing, "x"), nil); h.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%v", h)
	}
}

func TestMetadata(t *testing.T) {
	for u, path := range map[string]string{
		endpoint:                 "/.well-known/oauth-protected-resource/files/mcp",
		"https://door.example":   "/.well-known/oauth-protected-resource",
		"https://door.example/":  "/.well-known/oauth-protected-resource",
		"http://localhost:8/mcp": "/.well-known/oauth-protected-resource/mcp",
	} {
		m := resource(t, func(o *ResourceOptions) { o.URL = u })
		if m.MetadataPath() != path || m.Audience() != u {
			t.Errorf("%s: %s", u, m.MetadataPath())
		}
	}
	m := resource(t, nil)
	get := func(method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest(method, m.MetadataPath(), nil))
		return w
	}
	w := get(http.MethodGet)
	var doc struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported"`
		Methods  []string `json:"bearer_methods_supported"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || doc.Resource != endpoint ||
		!slices.Equal(doc.Servers, []string{"https://issuer.example"}) || !slices.Equal(doc.Methods, []string{"header"}) || len(doc.Scopes) != 2 {
		t.Errorf("%d %v %+v", w.Code, w.Header(), doc)
	}
	for method, want := range map[string]int{"HEAD": 200, "OPTIONS": 204, "POST": 405, "DELETE": 405} {
		if w := get(method); w.Code != want || w.Body.Len() > 0 && want < 400 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	m = resource(t, func(o *ResourceOptions) { o.AuthorizationServers = nil })
	if w := get(http.MethodGet); w.Code != http.StatusNotFound {
		t.Errorf("without an authorization server: %d", w.Code)
	}
	for _, u := range []string{"", "door.example", "http://door.example/mcp", "https://a@door.example", endpoint + "#x", endpoint + "?x=1", endpoint + "?", `https://door.example/a"b`, "https://door.example/a%20b"} {
		if _, err := NewResource(ResourceOptions{URL: u}); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := NewResource(ResourceOptions{URL: endpoint, Scopes: []string{`a"b`}}); err == nil || !strings.Contains(err.Error(), "no scope") {
		t.Error(err)
	}
}
