package config

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/store"
)

// TestEveryCredentialImplies: what a scope implies comes with it whoever brings it
// and however they prove who they are: a token's own scopes and those of its
// groups, an introspection, a key, a certificate, nobody's.
func TestEveryCredentialImplies(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/keys":
			err := json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
			if err != nil {
				t.Error(err)
			}
		case "/introspect":
			fmt.Fprint(w, `{"active":true,"sub":"ivy","scope":"top","aud":"http://door.example/a/mcp"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer issuer.Close()

	f := scopesOf(t, fmt.Sprintf(`
scopes:
  top: {implies: [middle]}
  middle: {implies: [base]}
serve: {client_ca: ca.pem, cert: c.pem, key: k.pem}
auth:
  allow_private: [127.0.0.1]
  issuers:
    - {url: %[1]q, keys_url: "%[1]s/keys", algorithms: [ES256], scopes: [{claim: groups, value: eng, scopes: [top]}]}
  introspection: {url: "%[1]s/introspect", client_id: door, client_secret: "${env:TOKEN}", prefix: "opaque/"}
  certificates: [{kind: cn, value: robot, principal: robot, scopes: [top]}]
  anonymous_scopes: [middle]
  dangerously_allow_anonymous: true
principals:
  alice: {user: alice, scopes: [top]}
rules: [{tool: "a/b", effect: read, scope: base}]
`, issuer.URL))
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.Open(store.Options{Dir: dir, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log, err := audit.Open(audit.Options{Dir: dir, Redact: func(*ostiary.Call) []byte { return nil }, RedactText: func(s string) string { return s }, Clock: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	desk := auth.NewDesk(auth.DeskOptions{Store: s, Journal: log, Clock: time.Now, Rand: rand.Reader})
	_, key, err := desk.Create(t.Context(), auth.Terms{Principal: "kim", Scopes: []string{"top"}, For: time.Hour, Reason: "test"}, auth.Who{Name: "tester", Channel: "cli"})
	if err != nil {
		t.Fatal(err)
	}
	check, err := f.NewAuth(Wiring{Now: time.Now}, s, func(*http.Request) []string { return []string{"http://door.example/a/mcp"} }, nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(claims map[string]any) string {
		t.Helper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: crypto.Signer(private), KeyID: "one"}},
			(&jose.SignerOptions{}).WithType("at+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]any{"iss": issuer.URL, "sub": "ann", "aud": "http://door.example/a/mcp", "exp": time.Now().Add(time.Hour).Unix()} {
			claims[name] = v
		}
		body, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(body)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, c := range []struct {
		name, token string
		cert        bool
		who         string
		want        []string
	}{
		{"a token", sign(map[string]any{"scope": "x top"}), false, "ann", []string{"x", "top", "middle", "base"}},
		{"a group", sign(map[string]any{"groups": []string{"eng"}}), false, "ann", []string{"top", "middle", "base"}},
		{"a token with less", sign(map[string]any{"scope": "middle"}), false, "ann", []string{"middle", "base"}},
		{"a token with least", sign(map[string]any{"scope": "base"}), false, "ann", []string{"base"}},
		{"an opaque token", "opaque-token", false, "opaque/ivy", []string{"top", "middle", "base"}},
		{"a key", key, false, "kim", []string{"top", "middle", "base"}},
		{"a certificate", "", true, "robot", []string{"top", "middle", "base"}},
		{"nobody", "", false, "anonymous", []string{"middle", "base"}},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://door.example/a/mcp", http.NoBody)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.cert {
			cert := &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}
			cert.Subject.CommonName = "robot"
			r.TLS = &tls.ConnectionState{HandshakeComplete: true, PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
		}
		p, _, err := check.Authenticate(r)
		if err != nil || p.ID != c.who || !slices.Equal(p.Scopes, c.want) {
			t.Errorf("%s: %s holds %q (%v), want %s and %q", c.name, p.ID, p.Scopes, err, c.who, c.want)
		}
	}
	if got := f.Expand(f.Principals[0].Scopes); !slices.Equal(got, []string{"top", "middle", "base"}) {
		t.Errorf("over stdio alice holds %q", got)
	}
}
