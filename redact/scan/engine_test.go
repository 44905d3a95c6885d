package scan

import (
	"strings"
	"sync"
	"testing"
)

var testEngine = sync.OnceValues(func() (*Engine, error) { return New(Options{}) })

func engine(t testing.TB) *Engine {
	t.Helper()
	e, err := testEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// mixed36 is what may stand in a token.
const mixed36 = "zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8fK4e"

// rep is a word that is written n times.
func rep(s string, n int) string { return strings.Repeat(s, n) }

func TestFind(t *testing.T) {
	e := engine(t)
	mixed := "zX9k2Lq8Vw4Rt6Yp0uB3"
	for _, c := range []struct{ text, rule, secret string }{
		// Prefixes.
		{"x ghp_" + mixed36 + " y", "github-pat", "ghp_" + mixed36},
		{"ghp_" + mixed, "github-token", "ghp_" + mixed},
		{"the task-force of sk-learn-contrib-is-long-enough", "", ""},
		{"sk-" + mixed + ",", "provider-key", "sk-" + mixed},
		{"(AKIAQ7RT5XK2M3LDV6HN)", "aws-access-token", "AKIAQ7RT5XK2M3LDV6HN"},
		{"AKIAIOSFODNN7EXAMPLE", "", ""},
		// Keys and values.
		{`"adafruit_token": "t0v_ewo_ihz-hln494m15gz6i11gsl-3"`, "adafruit-api-key", "t0v_ewo_ihz-hln494m15gz6i11gsl-3"},
		{"my_api_key := '" + mixed + "'", "generic-api-key", mixed},
		{"api_version=" + mixed + " ", "", ""},
		{"password: hunter22\n", "password", "hunter22"},
		{"password: changeme\npassword: ${PASSWORD1}\nthe password is long", "", ""},
		// Ours.
		{"Authorization: Bearer abc.def-0123456789~+/=", "bearer", "abc.def-0123456789~+/="},
		{"Bearer authentication-methods", "", ""},
		{"Authorization: Basic dXNlcjpodW50ZXIy", "basic-auth", "dXNlcjpodW50ZXIy"},
		{"Basic authentication is old", "", ""},
		{"<eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2ln>", "json-web-token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2ln"},
		{"postgres://app:hunter2@db:5432/x", "url-password", "hunter2"},
		{"redis://:p4ss@cache", "url-password", "p4ss"},
		{"https://example.com:8080/a@b", "", ""},
		{"https://user:password@example.com", "", ""},
		{"Server=db;User Id=sa;Password=Tr0ub4dor;Encrypt=true", "connection-string", "Tr0ub4dor"},
		{"AccountName=x;AccountKey=" + rep("aB3+", 10) + "==;", "connection-string", rep("aB3+", 10) + "=="},
		{"Set-Cookie: sid=0a1b2c3d4e; Path=/; Secure", "cookie", "0a1b2c3d4e"},
		{"sent Cookie: sessionid=0a1b2c3d4e HTTP/1.1 200 OK", "cookie", "0a1b2c3d4e"},
		{`"cookie": "theme=dark; session_id=0a1b2c3d4e"`, "cookie", "0a1b2c3d4e"},
		{"a cookie = chocolate; and sugar", "", ""},
		{"the cookie: session=persistent across all tabs", "", ""},
		// Blocks and several lines.
		{"a -----BEGIN RSA PRIVATE KEY-----\n" + rep("MIIEpAIBAAKCAQEA0123456789abcdef\n", 4) + "-----END RSA PRIVATE KEY----- b", "private-key",
			"-----BEGIN RSA PRIVATE KEY-----\n" + rep("MIIEpAIBAAKCAQEA0123456789abcdef\n", 4) + "-----END RSA PRIVATE KEY-----"},
		{"-----BEGIN PRIVATE KEY-----\\n" + rep("MIIEpAIBAAKCAQEA0123456789abcdef\\n", 3) + "cut off here", "private-key",
			"-----BEGIN PRIVATE KEY-----\\n" + strings.TrimSuffix(rep("MIIEpAIBAAKCAQEA0123456789abcdef\\n", 3), "\\n") + "\\ncut"},
		{"A block begins with -----BEGIN PRIVATE KEY----- and has lines of base64.", "", ""},
		{"curl -s \\\n -H 'Authorization: token 0123456789abcdef'", "curl-auth-header", "0123456789abcdef"},
		{"curl -u admin:Tr0ub4dor https://x.example", "curl-auth-user", "admin:Tr0ub4dor"},
		{"apiVersion: v1\ndata:\n  key.txt: c2VjcmV0c2VjcmV0\nkind: Secret\n", "kubernetes-secret-yaml", "c2VjcmV0c2VjcmV0"},
		{"data:\n  key.txt: c2VjcmV0c2VjcmV0\n---\nkind: Secret\n", "", ""},
		// Near a keyword.
		{"on sourcegraph use 0123456789abcdef0123456789abcdef01234567 now", "sourcegraph-access-token", "0123456789abcdef0123456789abcdef01234567"},
		{"in commit 0123456789abcdef0123456789abcdef01234567 now", "", ""},
		{"nothing to see", "", ""},
	} {
		found := e.Find(nil, c.text)
		if c.rule == "" {
			if len(found) > 0 {
				t.Errorf("%q: got %v, want nothing", c.text, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Rule != c.rule || c.text[found[0].Start:found[0].End] != c.secret {
			t.Errorf("%q: got %v, want %s", c.text, found, c.rule)
			for _, f := range found {
				t.Errorf("  %q", c.text[f.Start:f.End])
			}
		}
	}
}

// TestWordsInAllPlaces puts a secret at every place of a text that is longer than
// what goes through the automaton side by side.
func TestWordsInAllPlaces(t *testing.T) {
	e := engine(t)
	const secret = "AKIAQ7RT5XK2M3LDV6HN"
	for _, n := range []int{300, 1000, block + 100} {
		step := 1
		if n > 1000 {
			step = 61
		}
		for at := 0; at+len(secret) < n; at += step {
			text := rep(" ", at) + secret + rep(" ", n-at-len(secret))
			found := e.Find(nil, text)
			if len(found) != 1 || found[0].Start != at || found[0].End != at+len(secret) {
				t.Fatalf("at %d of %d: got %v", at, n, found)
			}
			if hits := e.Hits(nil, []byte(text)); len(hits) == 0 || hits[0] < at || hits[0] > at+len(secret) {
				t.Fatalf("at %d of %d: hits at %v", at, n, hits)
			}
		}
	}
}

// TestNothingIsAllocated where there is nothing to find.
func TestNothingIsAllocated(t *testing.T) {
	e := engine(t)
	text := rep("The quick brown fox jumps over the lazy dog. ", 300)
	raw := []byte(text)
	f := &finder{e: e} // without the pool, which the race detector empties
	f.find(text)
	if n := testing.AllocsPerRun(20, func() { f.find(text); search(e.words, &f.lanes, raw, 0, len(raw)) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAssigned(t *testing.T) {
	e := engine(t)
	for _, c := range []struct{ key, value, rule string }{
		{"api_key", "zX9k2Lq8Vw4Rt6Yp0uB3", "generic-api-key"},
		{"AdafruitToken", "t0v_ewo_ihz-hln494m15gz6i11gsl-3", "adafruit-api-key"},
		{"password", "hunter22", "password"},
		{"Set-Cookie", "sid=0a1b2c3d4e; Path=/", "cookie"},
		{"name", "zX9k2Lq8Vw4Rt6Yp0uB3", ""},
		{"api_key", "see the documentation of zX9k2Lq8Vw4Rt6Yp0uB3 for it", ""},
		{"password", "The password of the user", ""},
		{"password", "", ""},
		{"token_type", "Bearer", ""},
		{"next_page_token", "", ""},
		{strings.Repeat("x.", maxAssigned) + "db_password", "hunter22", "password"},
		{"kind: Secret\nmetadata:\n  labels: " + strings.Repeat("x.", 150) + "\ndata:\n  a: ", "c2VjcmV0c2VjcmV0", "kubernetes-secret-yaml"},
	} {
		rule, ok := e.Assigned(c.key, c.value)
		if rule != c.rule || ok != (c.rule != "") {
			t.Errorf("%s: %q: got %q, %v, want %q", c.key, c.value, rule, ok, c.rule)
		}
	}
}
