package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// issuer is an authorization server that counts the tokens it gives.
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	given  int
	asked  int
	secret string
	life   int
	down   bool
	form   map[string][]string
	basic  bool
	named  string // by its metadata; "" is itself
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{secret: "client-secret-1", life: 100}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case i.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/tenant/.well-known/openid-configuration":
		name := i.named
		if name == "" {
			name = i.URL + "/tenant"
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": name, "token_endpoint": i.URL + "/token"})
	case r.URL.Path == "/token":
		i.asked++
		_ = r.ParseForm()
		id, secret, basic := r.BasicAuth()
		if !basic {
			id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		}
		i.form, i.basic = r.PostForm, basic
		if id != "door" || secret != i.secret || r.PostForm.Get("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"the secret %s is wrong"}`, secret)
			return
		}
		i.given++
		fmt.Fprintf(w, `{"access_token":"token-number-%d","token_type":"bearer","expires_in":%d}`, i.given, i.life)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (b *bench) oauth(i *issuer, change func(*OAuth)) *Credential {
	a := &OAuth{TokenURL: i.URL + "/token", ClientID: "door", Secret: []Part{{Text: "client-secret-1"}}, HTTP: i.Client()}
	change(a)
	o := b.options()
	o.Common = &Source{OAuth: a}
	return New(o)
}

// settled waits until nobody asks the issuer.
func settled(c *Credential) {
	f := c.common.(*token).fetched
	f.mu.Lock()
	at := f.flight
	f.mu.Unlock()
	if at != nil {
		<-at.done
	}
}

func TestToken(t *testing.T) {
	b, i := newBench(t), newIssuer(t)
	c := b.oauth(i, func(a *OAuth) { a.Scopes, a.Resource = []string{"read", "write"}, "https://tracker.example/mcp" })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if h, err := c.Header(t.Context(), "alice"); err != nil || h.Get("Authorization") != "Bearer token-number-1" {
				t.Errorf("got %q, %v", h, err)
			}
		})
	}
	all.Wait()
	if i.asked != 1 || !i.basic || fmt.Sprint(i.form["scope"], i.form["resource"]) != "[read write] [https://tracker.example/mcp]" {
		t.Errorf("the issuer was asked %d times, %v, by the header %t", i.asked, i.form, i.basic)
	}
	// A fifth before its end it is replaced; who calls does not wait for that.
	b.forward(79 * time.Second)
	b.want(c, "alice", "Bearer token-number-1")
	b.forward(2 * time.Second)
	b.want(c, "alice", "Bearer token-number-1")
	settled(c)
	b.want(c, "alice", "Bearer token-number-2")

	// While the issuer is down, the token counts until its end and not longer.
	i.set(func() { i.down = true })
	b.forward(98 * time.Second)
	b.want(c, "alice", "Bearer token-number-2")
	settled(c)
	b.want(c, "alice", "Bearer token-number-2")
	b.forward(2 * time.Second)
	if e := b.refused(c, "alice", ostiary.CodeCredentialUnavailable); !strings.Contains(e.Reason, "503") || e.RetryAfter <= 0 {
		t.Errorf("got %v, again after %s", e, e.RetryAfter)
	}
	i.set(func() { i.down = false })
	b.forward(again)
	b.want(c, "alice", "Bearer token-number-3")

	// The server refuses it: one new token for all, and not for every refusal.
	refused := http.Header{"Authorization": {"Bearer token-number-3"}}
	for range 20 {
		all.Go(func() {
			if !c.Renew(t.Context(), "alice", refused) {
				t.Error("no new token was found")
			}
		})
	}
	all.Wait()
	b.want(c, "alice", "Bearer token-number-4")
	if c.Renew(t.Context(), "alice", http.Header{"Authorization": {"Bearer token-number-4"}}) || i.given != 4 {
		t.Errorf("a server that refuses everything got %d tokens", i.given)
	}
}

// The client's secret may change as any other; what the issuer writes about it is
// in no error.
func TestClientSecretIsReadAgain(t *testing.T) {
	b, i := newBench(t), newIssuer(t)
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "client-secret-1")
	c := b.oauth(i, func(a *OAuth) { a.Secret, a.Post = []Part{{File: path}}, true })
	b.want(c, "alice", "Bearer token-number-1")
	if i.basic {
		t.Error("the secret is in the header")
	}
	i.set(func() { i.secret = "client-secret-2" })
	b.forward(100 * time.Second)
	if e := b.refused(c, "alice", ostiary.CodeCredentialUnavailable); strings.Contains(e.Error(), "client-secret-1") || !strings.Contains(e.Reason, "invalid_client") {
		t.Errorf("got %v", e)
	}
	b.forward(again)
	if _, err := c.common.(*token).secret.get(t.Context()); err != nil { // it was just read
		t.Fatal(err)
	}
	write(t, path, "client-secret-2")
	b.want(c, "alice", "Bearer token-number-2")
}

func TestDiscovery(t *testing.T) {
	for name, c := range map[string]struct {
		named string
		want  ostiary.Code
	}{"itself": {}, "another": {"https://evil.example", ostiary.CodeCredentialUnavailable}} {
		b, i := newBench(t), newIssuer(t)
		i.named = c.named
		cred := b.oauth(i, func(a *OAuth) { a.TokenURL, a.Issuer = "", i.URL+"/tenant" })
		h, err := cred.Header(t.Context(), "alice")
		if c.want == "" && (err != nil || h.Get("Authorization") != "Bearer token-number-1") || c.want != "" && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, h, err)
		}
		if c.want != "" && i.asked != 0 {
			t.Errorf("%s: the secret was sent", name)
		}
	}
}

// A server of tokens that gives none, or something else.
func TestIssuerIsBounded(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": ``, "no token": `{}`, "another kind": `{"access_token":"0123456789","token_type":"mac"}`, "two lines": `{"access_token":"01234\n56789","token_type":"bearer"}`,
		"short": `{"access_token":"123","token_type":"bearer"}`, "endless": `{"access_token":"` + strings.Repeat("x", 2<<20) + `"`,
	} {
		b := newBench(t)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.refused(b.oauth(&issuer{Server: s}, func(*OAuth) {}), "alice", ostiary.CodeCredentialUnavailable)
		})
	}
}
