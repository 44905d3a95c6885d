package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
)

const opaque = "opaque-token-of-ann-0123456789"

func (w *world) questions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// newIntrospection is a world whose issuer knows one opaque token.
func newIntrospection(t *testing.T, change func(*Introspection), keys ...pair) *world {
	t.Helper()
	w := newWorld(t, func(w *world, o *Options) {
		o.Introspection = &Introspection{
			URL: w.server.URL + "/introspect", ClientID: "door:1", Secret: func() (string, error) { return "s3cr%t", nil },
			Issuer: w.server.URL, Claims: Claims{Scopes: []Mapping{{Claim: "/realm/roles", Value: "eng", Scopes: []string{"fs:write"}}}},
		}
		if change != nil {
			change(o.Introspection)
		}
	}, keys...)
	w.answer = func(token string) (int, string) {
		if token != opaque {
			return 200, `{"active":false}`
		}
		return 200, fmt.Sprintf(`{"active":true,"sub":"ann","aud":%q,"scope":"fs:read","sid":"s1","realm":{"roles":["eng"]},"exp":%d}`,
			endpoint, w.now.Add(20*time.Second).Unix())
	}
	return w
}

func TestIntrospection(t *testing.T) {
	w := newIntrospection(t, nil)
	p, session := w.in(opaque)
	if p.ID != "ann" || session != "oauth|ann|sid|s1" || strings.Join(p.Scopes, " ") != "fs:read fs:write" {
		t.Fatalf("%+v %q", p, session)
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("door%3A1:s3cr%25t"))
	if got := w.form.Get("Authorization"); got != want {
		t.Errorf("the door authenticates as %q", got)
	}
	for range 5 {
		w.in(opaque)
	}
	if w.questions() != 1 {
		t.Errorf("asked %d times", w.questions())
	}
	// Not past its expiry, although answers are remembered for longer.
	w.pass(21 * time.Second)
	w.set(func() { w.answer = func(string) (int, string) { return 200, `{"active":false}` } })
	w.out(opaque, ostiary.CodeAuthInactive)
}

// A token that is revoked stops counting when the answer is forgotten.
func TestRevokedAtTheIssuer(t *testing.T) {
	w := newIntrospection(t, nil)
	w.answer = func(string) (int, string) { return 200, fmt.Sprintf(`{"active":true,"sub":"ann","aud":%q}`, endpoint) }
	w.in(opaque)
	w.set(func() { w.answer = func(string) (int, string) { return 200, `{"active":false}` } })
	w.pass(activeFor - time.Second)
	w.in(opaque)
	w.pass(time.Second)
	w.out(opaque, ostiary.CodeAuthInactive)
}

func TestIntrospectionRefuses(t *testing.T) {
	good := fmt.Sprintf(`"active":true,"sub":"ann","aud":%q`, endpoint)
	for name, tc := range map[string]struct {
		status int
		body   string
		code   ostiary.Code // "" lets in
	}{
		"control":               {200, "{" + good + "}", ""},
		"inactive":              {200, `{"active":false,"sub":"ann"}`, ostiary.CodeAuthInactive},
		"not said":              {200, `{"sub":"ann"}`, ostiary.CodeAuthInactive},
		"active as a text":      {200, `{"active":"true","sub":"ann"}`, ostiary.CodeAuthInactive},
		"active but for case":   {200, `{"Active":true,"sub":"ann"}`, ostiary.CodeAuthInactive},
		"another audience":      {200, `{"active":true,"sub":"ann","aud":"https://door.example/other/mcp"}`, ostiary.CodeAuthAudience},
		"no audience":           {200, `{"active":true,"sub":"ann"}`, ostiary.CodeAuthAudience},
		"another issuer":        {200, "{" + good + `,"iss":"https://evil.example"}`, ostiary.CodeAuthIssuer},
		"expired":               {200, "{" + good + `,"exp":1000}`, ostiary.CodeAuthExpired},
		"not yet":               {200, "{" + good + `,"nbf":99999999999}`, ostiary.CodeAuthEarly},
		"nobody":                {200, fmt.Sprintf(`{"active":true,"aud":%q}`, endpoint), ostiary.CodeAuthClaims},
		"we are not let in":     {401, "{" + good + "}", ostiary.CodeAuthUnavailable},
		"an error":              {500, "{" + good + "}", ostiary.CodeAuthUnavailable},
		"elsewhere":             {302, "{" + good + "}", ostiary.CodeAuthUnavailable},
		"no JSON":               {200, "<html>", ostiary.CodeAuthUnavailable},
		"JSON and more":         {200, "{" + good + "}{}", ostiary.CodeAuthUnavailable},
		"null":                  {200, "null", ostiary.CodeAuthUnavailable},
		"more than is read":     {200, "{" + good + `,"x":"` + strings.Repeat("x", askBytes) + `"}`, ostiary.CodeAuthUnavailable},
		"a time that is a text": {200, "{" + good + `,"exp":"never"}`, ostiary.CodeAuthExpired},
	} {
		t.Run(name, func(t *testing.T) {
			w := newIntrospection(t, nil)
			w.answer = func(string) (int, string) { return tc.status, tc.body }
			if tc.code == "" {
				w.in(opaque)
				return
			}
			w.out(opaque, tc.code)
			// What the issuer said is remembered for a moment, an outage is not.
			w.out(opaque, tc.code)
			want := 1
			if tc.code == ostiary.CodeAuthUnavailable {
				want = 2
			}
			if tc.code != ostiary.CodeAuthAudience && w.questions() != want {
				t.Errorf("asked %d times, want %d", w.questions(), want)
			}
		})
	}
}

func TestAnyAudienceIsDangerous(t *testing.T) {
	w := newIntrospection(t, func(n *Introspection) { n.DangerouslyAnyAudience = true })
	w.answer = func(string) (int, string) { return 200, `{"active":true,"sub":"ann"}` }
	w.in(opaque)
	w.answer = func(string) (int, string) { return 200, `{"active":true,"sub":"ann","aud":"https://other.example"}` }
	w.out(opaque+"x", ostiary.CodeAuthAudience)
}

func TestIntrospectionOutage(t *testing.T) {
	w := newIntrospection(t, nil)
	w.in(opaque)
	w.set(func() { w.down = true })
	w.in(opaque) // remembered
	w.out(opaque+"x", ostiary.CodeAuthUnavailable)
	w.pass(21 * time.Second)
	w.out(opaque, ostiary.CodeAuthUnavailable)
	w.set(func() { w.down = false })
	w.in(opaque)
}

func TestSecretThatCannotBeRead(t *testing.T) {
	w := newIntrospection(t, func(n *Introspection) {
		n.Secret = func() (string, error) { return "", errors.New("open /secrets/door: no such file") }
	})
	if e := w.out(opaque, ostiary.CodeAuthUnavailable); contains(e.Error(), "/secrets") || w.questions() != 0 {
		t.Errorf("%v, asked %d times", e, w.questions())
	}
}

// Invented tokens are remembered in a bounded space, and drive out none that
// counts.
func TestFloodOfOpaqueTokens(t *testing.T) {
	w := newIntrospection(t, nil)
	w.door.opaque.inactive.most = 50
	w.in(opaque)
	for i := range 200 {
		w.out(fmt.Sprintf("invented-%d", i), ostiary.CodeAuthInactive)
	}
	if n := len(w.door.opaque.inactive.of); n > 50 {
		t.Errorf("%d answers are remembered", n)
	}
	before := w.questions()
	w.in(opaque)
	if w.questions() != before {
		t.Error("the flood drove out the answer about ann")
	}
}

// Many calls with one new token ask once; many new tokens ask a few at a time.
func TestQuestionsAtOnce(t *testing.T) {
	w := newIntrospection(t, nil)
	hold, asked := make(chan struct{}), make(chan struct{}, 100)
	inner := w.door.opaque.http.Transport
	w.door.opaque.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-hold
		return inner.RoundTrip(r)
	})
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if _, _, err := w.door.Authenticate(request(opaque)); err != nil {
				t.Error(err)
			}
		})
	}
	<-asked
	for i := range maxAsking - 1 {
		calls.Go(func() { _, _, _ = w.door.Authenticate(request(fmt.Sprintf("t%d", i))) })
		<-asked
	}
	w.out("one-too-many", ostiary.CodeAuthUnavailable)
	close(hold)
	calls.Wait()
	if n := w.questions(); n != maxAsking {
		t.Errorf("asked %d times", n)
	}
}

// TestAFloodKeepsNobodyOutWhoWasIn: invented tokens take all questions, and one that
// counted a moment ago is asked about all the same.
func TestAFloodKeepsNobodyOutWhoWasIn(t *testing.T) {
	w := newIntrospection(t, nil)
	w.in(opaque)
	w.set(func() {
		w.answer = func(string) (int, string) { return 200, fmt.Sprintf(`{"active":true,"sub":"ann","aud":%q}`, endpoint) }
	})
	w.pass(31 * time.Second) // what is known of it is over
	hold, asked := make(chan struct{}), make(chan struct{}, 100)
	inner := w.door.opaque.http.Transport
	w.door.opaque.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-hold
		return inner.RoundTrip(r)
	})
	var calls sync.WaitGroup
	for i := range maxAsking {
		calls.Go(func() { _, _, _ = w.door.Authenticate(request(fmt.Sprintf("t%d", i))) })
		<-asked
	}
	w.out("one-too-many", ostiary.CodeAuthUnavailable)
	calls.Go(func() {
		if _, _, err := w.door.Authenticate(request(opaque)); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Error("nobody asked about the token that counted")
	}
	close(hold)
	calls.Wait()
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A JWT that does not verify is not offered to the issuer as an opaque token.
func TestRefusedJWTIsNotOpaque(t *testing.T) {
	k := ecKey(t, "one")
	w := newIntrospection(t, nil, k)
	w.in(w.sign(k, w.claims(nil), nil))
	w.out(handmade(t, `{"alg":"none"}`, w.claims(nil), nil), ostiary.CodeAuthAlgorithm)
	w.out(w.sign(k, w.claims(map[string]any{"iss": "https://x.example"}), map[jose.HeaderKey]any{}), ostiary.CodeAuthIssuer)
	w.out(keyStart+"aaaaaaaaaa_"+strings.Repeat("a", secretLen), ostiary.CodeAuthKey)
	w.out(strings.ToUpper(keyStart)+"x", ostiary.CodeAuthKey)
	if w.questions() != 0 {
		t.Errorf("asked %d times", w.questions())
	}
}

func TestCache(t *testing.T) {
	c, now := newCache[int](10), time.Unix(1000, 0)
	key := func(i int) *tokenHash { return &tokenHash{byte(i)} }
	for i := range 100 {
		c.put(key(i), i, now, now.Add(time.Second))
	}
	if len(c.of) != 10 {
		t.Fatalf("%d entries", len(c.of))
	}
	c.put(key(200), 7, now, now)
	if _, ok := c.get(key(200), now); ok {
		t.Error("an entry without time")
	}
	c.put(key(201), 7, now, now.Add(time.Minute))
	for at, want := range map[time.Duration]bool{-time.Second: false, 0: true, time.Minute - 1: true, time.Minute: false} {
		if v, ok := c.get(key(201), now.Add(at)); ok != want || ok && v != 7 {
			t.Errorf("after %s: %v, %v", at, v, ok)
		}
	}
}

// TestAFloodFromOnePlaceKeepsNobodyOut: invented tokens from one address take no more
// than its share, the rest of them wait, and who signs in elsewhere for the first time
// is asked about at once. The control is the same flood where nobody knows who comes
// from where.
func TestAFloodFromOnePlaceKeepsNobodyOut(t *testing.T) {
	for _, known := range []bool{true, false} {
		w := newIntrospection(t, nil)
		if known {
			w.door.o.Address = func(r *http.Request) string { return r.Header.Get("From") }
		}
		from := func(token, address string) *http.Request {
			r := request(token)
			r.Header.Set("From", address)
			return r
		}
		hold, asked := make(chan struct{}), make(chan struct{}, 100)
		inner := w.door.opaque.http.Transport
		w.door.opaque.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			asked <- struct{}{}
			<-hold
			return inner.RoundTrip(r)
		})
		var calls sync.WaitGroup
		for i := range maxAsking { // from one network
			calls.Go(func() { _, _, _ = w.door.Authenticate(from(fmt.Sprintf("t%d", i), fmt.Sprintf("2001:db8::%d", i))) })
			if !known || i < askingFrom {
				<-asked
			}
		}
		if known {
			calls.Go(func() {
				if _, _, err := w.door.Authenticate(from(opaque, "192.0.2.1")); err != nil {
					t.Error(err)
				}
			})
			<-asked
		} else if _, _, err := w.door.Authenticate(from(opaque, "192.0.2.1")); !errors.Is(err, ostiary.CodeAuthUnavailable) {
			t.Errorf("the control: %v", err)
		}
		close(hold)
		calls.Wait()
		if n := w.questions(); known && n != maxAsking+1 {
			t.Errorf("asked %d times", n) // those who waited had their turn
		}
		w.door.opaque.mu.Lock()
		if n, o := len(w.door.opaque.from), w.door.opaque.waiting; n != 0 || o != 0 {
			t.Errorf("%d addresses are remembered, %d wait", n, o)
		}
		w.door.opaque.mu.Unlock()
	}
}
