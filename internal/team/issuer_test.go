package team

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/peers"
)

// issuer is a running authorization server.
type issuer struct {
	t    *testing.T
	url  string
	stop func()
}

// format is what an access token of a client is like.
type format struct {
	Format string `json:"format"`
	TTL    int    `json:"ttl"` // seconds
	Scope  string `json:"scope"`
}

const everyScope = "notes:read notes:write notes:tasks"

// The clients of the issuer: programs with a secret, and applications with which
// people sign in. What begins with "opaque" gets tokens that say nothing.
var formats = map[string]format{
	"robot":        {"jwt", 600, everyScope},
	"short-robot":  {"jwt", 1, everyScope},
	"desktop":      {"jwt", 600, everyScope},
	"opaque":       {"opaque", 600, everyScope},
	"opaque-short": {"opaque", 1, everyScope},
	"door":         {"opaque", 600, everyScope},
}

const secret = "of-the-robots-only"

// people and their groups.
var people = map[string][]string{"ann": {"readers"}, "ben": {"readers", "writers"}}

// newKey is a key to sign with.
func newKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: k, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
}

// openIssuer starts an authorization server that signs with keys, on a port, 0 for
// any.
func openIssuer(t *testing.T, port string, keys ...jose.JSONWebKey) *issuer {
	t.Helper()
	clients := []map[string]any{}
	for id := range formats {
		c := map[string]any{"client_id": id, "redirect_uris": []string{}, "response_types": []string{}}
		switch id {
		case "robot", "short-robot":
			c["client_secret"], c["grant_types"] = secret, []string{"client_credentials"}
		case "door":
			c["client_secret"], c["grant_types"] = secret, []string{}
		default:
			c["token_endpoint_auth_method"], c["application_type"] = "none", "native"
			c["grant_types"], c["response_types"] = []string{"authorization_code"}, []string{"code"}
			c["redirect_uris"] = []string{back}
		}
		clients = append(clients, c)
	}
	configuration, err := json.Marshal(map[string]any{
		"port": json.Number(port), "keys": jose.JSONWebKeySet{Keys: keys}, "clients": clients, "tokens": formats, "groups": people,
	})
	if err != nil {
		t.Fatal(err)
	}
	argv := peers.Issuer(t, string(configuration))
	cmd := exec.Command(argv[0], argv[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	stopped := false
	i := &issuer{t: t, url: strings.TrimSpace(line), stop: func() {
		if stopped {
			return
		}
		stopped = true
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the issuer ended with %v\n%s", err, &said)
		}
	}}
	t.Cleanup(i.stop)
	if err != nil {
		i.stop()
		t.Fatalf("the issuer did not start: %v\n%s", err, &said)
	}
	return i
}

// port is the one that the issuer listens on.
func (i *issuer) port() string {
	u, err := url.Parse(i.url)
	if err != nil {
		i.t.Fatal(err)
	}
	return u.Port()
}

// token asks the token endpoint.
func (i *issuer) token(client string, form url.Values) string {
	i.t.Helper()
	var answer struct {
		Token string `json:"access_token"`
	}
	i.post("/token", client, form, &answer)
	if answer.Token == "" {
		i.t.Fatal("the issuer gave no token")
	}
	return answer.Token
}

// post sends a form as a client does that has a secret, or none.
func (i *issuer) post(path, client string, form url.Values, into any) {
	i.t.Helper()
	if formats[client].Format == "" {
		i.t.Fatalf("no such client: %s", client)
	}
	robot := strings.HasSuffix(client, "robot")
	if !robot {
		form.Set("client_id", client)
	}
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, i.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if robot {
		req.SetBasicAuth(client, secret)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		i.t.Fatalf("%s: %v, %s\n%s", path, err, resp.Status, body)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			i.t.Fatal(err)
		}
	}
}

// robot gets a token by the client credentials flow.
func (i *issuer) robot(client, resource string, scopes ...string) string {
	i.t.Helper()
	return i.token(client, url.Values{"grant_type": {"client_credentials"}, "resource": {resource}, "scope": {strings.Join(scopes, " ")}})
}

// revoke takes a token back.
func (i *issuer) revoke(client, token string) {
	i.t.Helper()
	i.post("/token/revocation", client, url.Values{"token": {token}}, nil)
}

// back is where applications wait for the answer of the issuer; nothing listens there.
const back = "http://127.0.0.1/back"

var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// person gets a token by the authorization code flow with PKCE: a browser without
// scripts follows the issuer, signs in as who, and consents.
func (i *issuer) person(who, client, resource string, scopes ...string) string {
	i.t.Helper()
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.t.Fatal(err)
	}
	state := rand.Text()
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	where := i.url + "/auth?" + url.Values{
		"client_id": {client}, "response_type": {"code"}, "redirect_uri": {back}, "resource": {resource},
		"scope": {strings.Join(append([]string{"openid"}, scopes...), " ")}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	prompts := []url.Values{{"prompt": {"login"}, "login": {who}, "password": {"anything"}}, {"prompt": {"consent"}}}
	for range 20 {
		if answer, found := strings.CutPrefix(where, back+"?"); found {
			q, err := url.ParseQuery(answer)
			if err != nil || q.Get("code") == "" || q.Get("state") != state || q.Get("iss") != i.url {
				i.t.Fatalf("the issuer answered %q: %v", answer, err)
			}
			return i.token(client, url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")},
				"redirect_uri": {back}, "code_verifier": {verifier}, "resource": {resource}})
		}
		resp, err := browser.Get(where)
		if err != nil {
			i.t.Fatal(err)
		}
		where = i.follow(resp, browser, &prompts)
	}
	i.t.Fatal("the issuer has no end of redirects")
	return ""
}

// follow returns where an answer leads: by a redirect, or by sending the form that
// it shows.
func (i *issuer) follow(resp *http.Response, browser *http.Client, prompts *[]url.Values) string {
	i.t.Helper()
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		i.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		m := formAction.FindSubmatch(body)
		if m == nil || len(*prompts) == 0 {
			i.t.Fatalf("the issuer shows no form that is known:\n%s", body)
		}
		next := (*prompts)[0]
		*prompts = (*prompts)[1:]
		at, err := resp.Request.URL.Parse(string(m[1]))
		if err != nil {
			i.t.Fatal(err)
		}
		if resp, err = browser.PostForm(at.String(), next); err != nil {
			i.t.Fatal(err)
		}
		resp.Body.Close()
	}
	to, err := resp.Location()
	if err != nil {
		i.t.Fatalf("%s: %v\n%s", resp.Status, err, body)
	}
	return to.String()
}
