package team

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
)

// TestTokensOfARealIssuer: programs and people who sign in at the authorization
// server are let in with the scopes of their tokens and groups, in both eras, and
// what is wrong with a token is told, recorded and has no effect.
func TestTokensOfARealIssuer(t *testing.T) {
	t.Parallel()
	key := newKey(t, "one")
	i, s := openIssuer(t, "0", key), openShared(t)
	d := openDoor(t, jwts(i)+upstream(s)+rules)
	read := func(token string) *http.Request { return d.modern(token, "tools/call", "read") }

	robot := i.robot("robot", d.url, "notes:read")
	d.passes(s, read(robot), "robot", "read done")
	d.passes(s, d.legacy(robot, d.session(robot), "tools/call", `{"name":"read"}`), "robot", "read done")
	ann, ben := i.person("ann", "desktop", d.url), i.person("ben", "desktop", d.url)
	d.passes(s, read(ann), "ann", "read done")
	d.passes(s, d.modern(ben, "tools/call", "save"), "ben", "save done")
	for who, token := range map[string]string{"robot": robot, "ann": ann} { // the scope is missing
		before := s.count()
		got := d.do(d.modern(token, "tools/call", "save"))
		if !strings.Contains(got.body, "policy_scope") || !strings.Contains(got.body, "notes:write") && !strings.Contains(got.header.Get("WWW-Authenticate"), "notes:write") || s.count() != before {
			t.Errorf("%s saves: %d %s", who, got.status, got.body)
		}
	}

	elsewhere := strings.Replace(d.url, "/notes/", "/other/", 1)
	parts := strings.Split(ann, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
	stranger := openIssuer(t, "0", key) // the same key, another issuer
	for name, c := range map[string]struct {
		token string
		code  ostiary.Code
	}{
		"none":            {"", ostiary.CodeAuthMissing},
		"wrong audience":  {i.robot("robot", elsewhere, "notes:read"), ostiary.CodeAuthAudience},
		"a person's too":  {i.person("ben", "desktop", elsewhere), ostiary.CodeAuthAudience},
		"wrong issuer":    {stranger.robot("robot", d.url, "notes:read"), ostiary.CodeAuthIssuer},
		"alg none":        {unsigned, ostiary.CodeAuthAlgorithm},
		"hs confusion":    {confused(t, key, parts[1]), ostiary.CodeAuthAlgorithm},
		"other signature": {parts[0] + "." + parts[1] + "." + strings.Split(ben, ".")[2], ostiary.CodeAuthToken},
		"opaque":          {i.person("ben", "opaque", d.url), ostiary.CodeAuthToken},
	} {
		got := d.refused(s, read(c.token), http.StatusUnauthorized, c.code)
		if says := got.header.Get("WWW-Authenticate"); !strings.Contains(says, "/.well-known/oauth-protected-resource/notes/mcp") {
			t.Errorf("%s: the client is not told where to sign in: %q", name, says)
		}
	}
	d.passes(s, read(ann), "ann", "read done")
	d.keptSecret(s, robot, ann, ben)
}

// confused is a token whose signature is an HMAC with what the issuer publishes of its
// key, for a verifier that takes the algorithm from the token.
func confused(t *testing.T, key jose.JSONWebKey, payload string) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"at+jwt","kid":"one"}`)) + "." + payload
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(unsigned))
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// keptSecret: tokens are in no record, and the server got the operator's credential
// alone.
func (d *door) keptSecret(s *shared, tokens ...string) {
	d.t.Helper()
	for _, r := range d.records(allOf) {
		for _, token := range tokens {
			if strings.Contains(r.Reason+r.Message+r.Target+r.Session+r.Principal, token[len(token)-20:]) {
				d.t.Errorf("a record holds a token: %+v", r)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, got := range s.seen {
		if got != "Bearer upstream-only" {
			d.t.Errorf("the server saw the credential %q", got)
		}
	}
}

// TestTokensEnd: a token that its issuer made for a second is let in and then not.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	for name, c := range map[string]struct {
		policy string
		token  func(resource string) string
		code   ostiary.Code
	}{
		"jwt":    {jwts(i), func(r string) string { return i.robot("short-robot", r, "notes:read") }, ostiary.CodeAuthExpired},
		"opaque": {opaque(i), func(r string) string { return i.person("ann", "opaque-short", r) }, ostiary.CodeAuthInactive},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, c.policy+upstream(s)+rules)
			read := func(token string) *http.Request { return d.modern(token, "tools/call", "read") }
			if got := d.do(read("")); got.status != http.StatusUnauthorized { // and the door is warm
				t.Fatalf("without a token: %d", got.status)
			}
			token := c.token(d.url)
			if got := d.do(read(token)); got.status != http.StatusOK || !strings.Contains(got.body, "read done") {
				t.Fatalf("the control: %d %s", got.status, got.body)
			}
			until(t, "the end of the token", func() bool { return d.do(read(token)).status == http.StatusUnauthorized })
			before := s.count()
			d.refused(s, read(token), http.StatusUnauthorized, c.code) // replayed
			if s.count() != before {
				t.Error("a token whose time is over reached the server")
			}
		})
	}
}

// TestOpaqueTokens: tokens that say nothing are looked up at their issuer, and one
// that was taken back does not count.
func TestOpaqueTokens(t *testing.T) {
	t.Parallel()
	i, s := openIssuer(t, "0", newKey(t, "one")), openShared(t)
	d := openDoor(t, opaque(i)+upstream(s)+rules)
	read := func(token string) *http.Request { return d.modern(token, "tools/call", "read") }
	ann, ben := i.person("ann", "opaque", d.url), i.person("ben", "opaque", d.url)
	d.passes(s, read(ann), "ann", "read done")
	i.revoke("opaque", ben)
	d.refused(s, read(ben), http.StatusUnauthorized, ostiary.CodeAuthInactive)
	d.passes(s, d.modern(i.person("ben", "opaque", d.url), "tools/call", "save"), "ben", "save done")
	d.refused(s, read(i.person("ben", "opaque", d.url+"x")), http.StatusUnauthorized, ostiary.CodeAuthAudience)
	d.refused(s, read("invented"), http.StatusUnauthorized, ostiary.CodeAuthInactive)
	d.keptSecret(s, ann, ben)
}
