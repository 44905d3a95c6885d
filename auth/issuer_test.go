package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
)

const endpoint = "https://door.example/files/mcp"

// world is an issuer with real keys over HTTP, a door that believes it, and their
// clock.
type world struct {
	t      *testing.T
	server *httptest.Server
	door   *Authenticator

	mu      sync.Mutex
	now     time.Time
	keys    []jose.JSONWebKey // what the issuer publishes
	down    bool
	fetches int // of the key set

	asked  int // introspections
	answer func(token string) (status int, body string)
	form   http.Header // of the last introspection
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) fetched() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fetches
}

// ServeHTTP is the issuer.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		http.Error(rw, "down", http.StatusBadGateway)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(rw, `{"issuer":%q,"jwks_uri":%q}`, w.server.URL, w.server.URL+"/keys")
	case "/keys":
		w.fetches++
		_ = json.NewEncoder(rw).Encode(jose.JSONWebKeySet{Keys: w.keys})
	case "/introspect":
		w.asked++
		w.form = r.Header.Clone()
		status, body := w.answer(r.PostFormValue("token"))
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		fmt.Fprint(rw, body)
	default:
		http.NotFound(rw, r)
	}
}

// pair is a signing key and what is published of it.
type pair struct {
	id      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

func (p pair) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: p.private.Public(), KeyID: p.id, Algorithm: string(p.alg), Use: "sig"}
}

func ecKey(t *testing.T, id string) pair {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{id, jose.ES256, k}
}

func rsaKey(t *testing.T, id string, bits int) pair {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return pair{id, jose.RS256, k}
}

// newWorld makes a door; change may set more options.
func newWorld(t *testing.T, change func(w *world, o *Options), keys ...pair) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	for _, k := range keys {
		w.keys = append(w.keys, k.public())
	}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	o := Options{
		Clock: w.clock, HTTP: w.server.Client(),
		Audience: func(r *http.Request) []string { return []string{"https://door.example" + r.URL.Path} },
		Issuers:  []Issuer{{URL: w.server.URL}},
	}
	if change != nil {
		change(w, &o)
	}
	var err error
	if w.door, err = New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

// claims are those of a good token, with changes; nil removes one.
func (w *world) claims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": w.server.URL, "aud": endpoint, "sub": "ann", "client_id": "desktop", "scope": "fs:read",
		"iat": w.clock().Unix(), "exp": w.clock().Add(5 * time.Minute).Unix(),
	}
	maps.Copy(c, change)
	for name, v := range change {
		if v == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a real token.
func (w *world) sign(k pair, claims map[string]any, head map[jose.HeaderKey]any) string {
	w.t.Helper()
	return signWith(w.t, jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, claims, head)
}

func signWith(t *testing.T, key jose.SigningKey, claims map[string]any, head map[jose.HeaderKey]any) string {
	t.Helper()
	if head == nil {
		head = map[jose.HeaderKey]any{jose.HeaderType: "at+jwt"}
	}
	s, err := jose.NewSigner(key, &jose.SignerOptions{ExtraHeaders: head})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// handmade is a token of any header and signature.
func handmade(t *testing.T, head string, claims map[string]any, signature []byte) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(head)) + "." + e.EncodeToString(payload) + "." + e.EncodeToString(signature)
}

func request(token string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/files/mcp", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// in expects a caller to be let in, and returns who.
func (w *world) in(token string) (ostiary.Principal, string) {
	w.t.Helper()
	p, session, err := w.door.Authenticate(request(token))
	if err != nil {
		w.t.Fatalf("refused: %v", err)
	}
	if p.IsNobody() || session == "" {
		w.t.Fatalf("let in as %+v in %q", p, session)
	}
	return p, session
}

// out expects a refusal with a code, and nothing of the token in it.
func (w *world) out(token string, code ostiary.Code) *ostiary.Error {
	w.t.Helper()
	return refusedWith(w.t, w.door, request(token), code, token)
}

func refusedWith(t *testing.T, door *Authenticator, r *http.Request, code ostiary.Code, secrets ...string) *ostiary.Error {
	t.Helper()
	p, session, err := door.Authenticate(r)
	var e *ostiary.Error
	if !errors.As(err, &e) || e.Code != code || !p.IsNobody() || session != "" {
		t.Fatalf("got %+v, %q, %v; want %s", p, session, err, code)
	}
	if e.Message == "" {
		t.Errorf("%s has no message", code)
	}
	for _, s := range secrets {
		for i := 0; i+12 <= len(s); i += 12 {
			if part := s[i : i+12]; contains(err.Error(), part) {
				t.Errorf("the error repeats a part of what was sent: %v", err)
			}
		}
	}
	return e
}
