package auth

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// The zero value of everything lets nobody in.
func TestNobodyByDefault(t *testing.T) {
	door, err := New(Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	token := w.sign(k, w.claims(nil), nil)
	w.in(token) // the control: elsewhere it counts
	refusedWith(t, door, request(""), ostiary.CodeAuthMissing)
	refusedWith(t, door, request("abc"), ostiary.CodeAuthToken)
	refusedWith(t, door, request(token), ostiary.CodeAuthToken, token)
	for name, o := range map[string]Options{
		"no clock":    {},
		"no client":   {Clock: time.Now, Audience: func(*http.Request) []string { return nil }, Issuers: []Issuer{{URL: "https://a.example"}}},
		"no audience": {Clock: time.Now, HTTP: http.DefaultClient, Issuers: []Issuer{{URL: "https://a.example"}}},
		"skew":        {Clock: time.Now, Skew: time.Hour},
		"plain":       {Clock: time.Now, HTTP: http.DefaultClient, Audience: func(*http.Request) []string { return nil }, Issuers: []Issuer{{URL: "http://a.example"}}},
		"plain keys":  {Clock: time.Now, HTTP: http.DefaultClient, Audience: func(*http.Request) []string { return nil }, Issuers: []Issuer{{URL: "https://a.example", KeysURL: "http://a.example/k"}}},
		"no secret":   {Clock: time.Now, HTTP: http.DefaultClient, Audience: func(*http.Request) []string { return nil }, Introspection: &Introspection{URL: "https://a.example", ClientID: "x"}},
		"mapping":     {Clock: time.Now, HTTP: http.DefaultClient, Audience: func(*http.Request) []string { return nil }, Issuers: []Issuer{{URL: "https://a.example", Claims: Claims{Scopes: []Mapping{{Claim: "g", Value: "v", Scopes: []string{"a b"}}}}}}},
	} {
		if _, err := New(o); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnonymous(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, func(_ *world, o *Options) {
		o.DangerouslyAllowAnonymous, o.AnonymousScopes = true, []string{"docs:read"}
	}, k)
	p, session := w.in("")
	if p.ID != "anonymous" || session != "anonymous" || !slices.Equal(p.Scopes, []string{"docs:read"}) {
		t.Fatalf("%+v %q", p, session)
	}
	// A credential that does not count is no reason to be anonymous.
	w.out(w.sign(k, w.claims(map[string]any{"exp": 1}), nil), ostiary.CodeAuthExpired)
	w.out("opaque", ostiary.CodeAuthToken)
	r := request("")
	r.Header.Set("Authorization", "Basic YTpi")
	refusedWith(t, w.door, r, ostiary.CodeAuthMalformed)
}

func TestOneCredential(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	token := w.sign(k, w.claims(nil), nil)
	w.in(token)
	r := request(token)
	r.Header.Add("Authorization", "Bearer "+token)
	refusedWith(t, w.door, r, ostiary.CodeAuthAmbiguous, token)
	r = request("")
	r.Header.Set("Authorization", "Bearer "+token+", Bearer "+token)
	refusedWith(t, w.door, r, ostiary.CodeAuthMalformed, token)
	for _, has := range []string{"", token} { // alone, and beside a good one
		r = request(has)
		r.URL.RawQuery = "access_token=" + token
		refusedWith(t, w.door, r, ostiary.CodeAuthQuery, token)
	}
}

func TestScopesOfClaims(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, func(_ *world, o *Options) {
		o.Issuers[0].Claims = Claims{Principal: "email", Prefix: "corp/", Scopes: []Mapping{
			{Claim: "groups", Value: "eng", Scopes: []string{"fs:write"}},
			{Claim: "https://corp.example/roles", Value: "admin", Scopes: []string{"all"}},
			{Claim: "/realm/a~1b/roles", Value: "ops", Scopes: []string{"ops:run"}},
		}}
		o.Expand = func(scopes []string) []string {
			if slices.Contains(scopes, "fs:write") {
				scopes = append(scopes, "fs:read")
			}
			return scopes
		}
	}, k)
	for name, tc := range map[string]struct {
		claims map[string]any
		want   string
	}{
		"its own":           {map[string]any{"scope": "a b  a"}, "a b"},
		"scp as a list":     {map[string]any{"scope": nil, "scp": []any{"a", "b c", 7}}, "a b c"},
		"scp as a text":     {map[string]any{"scope": nil, "scp": "a b"}, "a b"},
		"a scope as a list": {map[string]any{"scope": []string{"a"}}, ""},
		"a group":           {map[string]any{"scope": nil, "groups": []string{"x", "eng"}}, "fs:write fs:read"},
		"one group":         {map[string]any{"scope": nil, "groups": "eng"}, "fs:write fs:read"},
		"like a group":      {map[string]any{"scope": nil, "groups": []string{"Eng", "eng2", "en"}}, ""},
		"like the claim":    {map[string]any{"scope": nil, "Groups": []string{"eng"}}, ""},
		"a URL":             {map[string]any{"scope": nil, "https://corp.example/roles": []string{"admin"}}, "all"},
		"deeper":            {map[string]any{"scope": nil, "realm": map[string]any{"a/b": map[string]any{"roles": []string{"ops"}}}}, "ops:run"},
		"not so deep":       {map[string]any{"scope": nil, "realm": "ops"}, ""},
		"no scopes at all":  {map[string]any{"scope": "a\"b \u00e4"}, ""},
		"very many":         {map[string]any{"scope": strings.Repeat("x", 300) + " y"}, "y"},
	} {
		tc.claims["email"] = "ann@corp.example"
		p, _ := w.in(w.sign(k, w.claims(tc.claims), nil))
		if got := strings.Join(p.Scopes, " "); got != tc.want || p.ID != "corp/ann@corp.example" {
			t.Errorf("%s: %s of %s", name, got, p.ID)
		}
	}
	w.in(w.sign(k, w.claims(map[string]any{"email": "a@b", "email_verified": true}), nil))
	w.out(w.sign(k, w.claims(map[string]any{"email": "a@b", "email_verified": false}), nil), ostiary.CodeAuthClaims)
	w.out(w.sign(k, w.claims(map[string]any{"email": "a@b", "email_verified": "true"}), nil), ostiary.CodeAuthClaims)
	many := strings.Fields(strings.Repeat("s", 1))
	for i := range 1000 {
		many = append(many, "s"+strings.Repeat("x", i%200)+string(rune('a'+i%26)))
	}
	if n := len(legal(many)); n > maxScopes {
		t.Errorf("%d scopes", n)
	}
}

// Principals never share a session, whatever their names hold.
func TestSessionsAreApart(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	seen := map[string]int{}
	for i, c := range []map[string]any{
		{"sub": "a", "client_id": "c"},
		{"sub": "b", "client_id": "c"},
		{"sub": "a", "client_id": nil},
		{"sub": "a", "client_id": "c", "sid": "s"},
		{"sub": "a", "client_id": "d", "sid": "t"},
		{"sub": "a|sid|s", "client_id": nil},
		{"sub": "a", "client_id": "sid|s"},
		{"sub": "a%7Csid", "client_id": nil},
		{"sub": "a|client", "client_id": nil, "sid": "c"},
		{"sub": "a", "client_id": nil, "azp": "z"},
	} {
		_, session := w.in(w.sign(k, w.claims(c), nil))
		if before, ok := seen[session]; ok {
			t.Errorf("%d and %d are both in %s", before, i, session)
		}
		seen[session] = i
	}
	// A session of the issuer is one whatever client speaks in it.
	_, one := w.in(w.sign(k, w.claims(map[string]any{"sid": "s", "client_id": "x"}), nil))
	_, two := w.in(w.sign(k, w.claims(map[string]any{"sid": "s", "client_id": "y"}), nil))
	if one != two {
		t.Errorf("%s, %s", one, two)
	}
}

// Many goroutines, one door: for the race detector.
func TestAtOnce(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	token := w.sign(k, w.claims(nil), nil)
	done := make(chan error)
	for range 16 {
		go func() {
			for range 50 {
				if _, _, err := w.door.Authenticate(request(token)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := w.fetched(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	t := &testing.T{}
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	defer w.server.Close()
	r := request(w.sign(k, w.claims(nil), nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := w.door.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}
