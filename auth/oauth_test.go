package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestJWT(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	p, session := w.in(w.sign(k, w.claims(nil), nil))
	if p.ID != "ann" || p.Client != "desktop" || !slices.Equal(p.Scopes, []string{"fs:read"}) || session != "oauth|ann|client|desktop" {
		t.Fatalf("%+v %q", p, session)
	}
}

// Every abuse of a token, each beside the same token without the abuse.
func TestJWTAbuse(t *testing.T) {
	ec, r := ecKey(t, "one"), rsaKey(t, "two", 2048)
	stranger := ecKey(t, "one") // another key under the same name
	w := newWorld(t, nil, ec, r)
	w.in(w.sign(ec, w.claims(nil), nil)) // the control: these keys and claims let in
	w.in(w.sign(r, w.claims(nil), nil))
	at := func(d time.Duration) int64 { return w.clock().Add(d).Unix() }
	good := w.sign(ec, w.claims(nil), nil)

	// HS/RS confusion: the public key as the secret of an HMAC, as DER, PEM and
	// modulus.
	der, err := x509.MarshalPKIXPublicKey(r.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	confused := func(secret []byte) string {
		unsigned := strings.TrimSuffix(handmade(t, `{"alg":"HS256","kid":"two","typ":"at+jwt"}`, w.claims(nil), nil), ".")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(unsigned))
		return unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	parts := strings.Split(good, ".")
	for name, tc := range map[string]struct {
		token string
		code  ostiary.Code
	}{
		"alg none":                    {handmade(t, `{"alg":"none","typ":"at+jwt"}`, w.claims(nil), nil), ostiary.CodeAuthAlgorithm},
		"alg NONE":                    {handmade(t, `{"alg":"NONE"}`, w.claims(nil), []byte("x")), ostiary.CodeAuthAlgorithm},
		"alg none, second":            {handmade(t, `{"alg":"ES256","alg":"none"}`, w.claims(nil), nil), ostiary.CodeAuthAlgorithm},
		"alg none, first":             {handmade(t, `{"alg":"none","alg":"ES256"}`, w.claims(nil), nil), ostiary.CodeAuthToken},
		"no algorithm":                {handmade(t, `{"typ":"at+jwt"}`, w.claims(nil), nil), ostiary.CodeAuthToken},
		"hs with the public key":      {confused(der), ostiary.CodeAuthAlgorithm},
		"hs with the pem":             {confused(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), ostiary.CodeAuthAlgorithm},
		"another signature":           {parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)), ostiary.CodeAuthToken},
		"no signature":                {parts[0] + "." + parts[1] + ".", ostiary.CodeAuthToken},
		"another payload":             {parts[0] + "." + strings.Split(w.sign(ec, w.claims(map[string]any{"sub": "bob"}), nil), ".")[1] + "." + parts[2], ostiary.CodeAuthToken},
		"a stranger's key":            {w.sign(stranger, w.claims(nil), nil), ostiary.CodeAuthToken},
		"its own key in the header":   {w.sign(stranger, w.claims(nil), map[jose.HeaderKey]any{"jwk": stranger.public()}), ostiary.CodeAuthToken},
		"a key from elsewhere":        {w.sign(stranger, w.claims(nil), map[jose.HeaderKey]any{"jku": "https://evil.example/keys"}), ostiary.CodeAuthToken},
		"critical, unknown":           {handmade(t, `{"alg":"ES256","crit":["x"],"x":1}`, w.claims(nil), []byte("x")), ostiary.CodeAuthToken},
		"wrong issuer":                {w.sign(ec, w.claims(map[string]any{"iss": "https://evil.example"}), nil), ostiary.CodeAuthIssuer},
		"issuer with a slash":         {w.sign(ec, w.claims(map[string]any{"iss": w.server.URL + "/"}), nil), ostiary.CodeAuthIssuer},
		"issuer only like it":         {handmade(t, `{"alg":"ES256"}`, map[string]any{"ISS": w.server.URL}, []byte("x")), ostiary.CodeAuthToken},
		"no issuer":                   {w.sign(ec, w.claims(map[string]any{"iss": nil}), nil), ostiary.CodeAuthIssuer},
		"wrong audience":              {w.sign(ec, w.claims(map[string]any{"aud": "https://door.example/other/mcp"}), nil), ostiary.CodeAuthAudience},
		"audience with more":          {w.sign(ec, w.claims(map[string]any{"aud": endpoint + "x"}), nil), ostiary.CodeAuthAudience},
		"no audience":                 {w.sign(ec, w.claims(map[string]any{"aud": nil}), nil), ostiary.CodeAuthAudience},
		"empty audience":              {w.sign(ec, w.claims(map[string]any{"aud": []string{""}}), nil), ostiary.CodeAuthAudience},
		"expired":                     {w.sign(ec, w.claims(map[string]any{"exp": at(-61 * time.Second)}), nil), ostiary.CodeAuthExpired},
		"no expiry":                   {w.sign(ec, w.claims(map[string]any{"exp": nil}), nil), ostiary.CodeAuthExpired},
		"expiry of another type":      {w.sign(ec, w.claims(map[string]any{"exp": true}), nil), ostiary.CodeAuthToken},
		"not yet valid":               {w.sign(ec, w.claims(map[string]any{"nbf": at(61 * time.Second)}), nil), ostiary.CodeAuthEarly},
		"issued in the future":        {w.sign(ec, w.claims(map[string]any{"iat": at(61 * time.Second)}), nil), ostiary.CodeAuthEarly},
		"a logout token":              {w.sign(ec, w.claims(nil), map[jose.HeaderKey]any{"typ": "logout+jwt"}), ostiary.CodeAuthToken},
		"a proof":                     {w.sign(ec, w.claims(nil), map[jose.HeaderKey]any{"typ": "dpop+jwt"}), ostiary.CodeAuthToken},
		"nobody":                      {w.sign(ec, w.claims(map[string]any{"sub": nil}), nil), ostiary.CodeAuthClaims},
		"a number":                    {w.sign(ec, w.claims(map[string]any{"sub": 7}), nil), ostiary.CodeAuthToken},
		"a subject that turns text":   {w.sign(ec, w.claims(map[string]any{"sub": "a\u202eb"}), nil), ostiary.CodeAuthClaims},
		"a subject of lines":          {w.sign(ec, w.claims(map[string]any{"sub": "a\nb"}), nil), ostiary.CodeAuthClaims},
		"a subject without end":       {w.sign(ec, w.claims(map[string]any{"sub": strings.Repeat("a", 257)}), nil), ostiary.CodeAuthClaims},
		"the name of the anonymous":   {w.sign(ec, w.claims(map[string]any{"sub": "anonymous"}), nil), ostiary.CodeAuthClaims},
		"a session that turns text":   {w.sign(ec, w.claims(map[string]any{"sid": "\u202e"}), nil), ostiary.CodeAuthClaims},
		"opaque, and nobody to ask":   {"opaque-token-of-somebody", ostiary.CodeAuthToken},
		"three parts that are no JWT": {"abc.def.ghi", ostiary.CodeAuthToken},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.out(tc.token, tc.code)
		})
	}
	// What is only just inside passes.
	w.t = t
	w.in(w.sign(ec, w.claims(map[string]any{"exp": at(-59 * time.Second)}), nil))
	w.in(w.sign(ec, w.claims(map[string]any{"nbf": at(59 * time.Second)}), nil))
	w.in(w.sign(ec, w.claims(map[string]any{"aud": []string{"https://other.example", endpoint}}), nil))
	w.in(w.sign(ec, w.claims(nil), map[jose.HeaderKey]any{"typ": "JWT"}))
	w.in(w.sign(ec, w.claims(nil), map[jose.HeaderKey]any{"typ": "application/AT+JWT"}))
}

// The same attack of keys on a set that holds a symmetric or a weak one: whoever
// can read the set could sign with it.
func TestKeySetOfBadKeys(t *testing.T) {
	good, weak := ecKey(t, "good"), rsaKey(t, "weak", 1024)
	w := newWorld(t, nil, good, weak)
	w.keys = append(w.keys, jose.JSONWebKey{Key: []byte("secret secret secret secret secret"), KeyID: "hs", Algorithm: "HS256"})
	encrypts := ecKey(t, "enc")
	public := encrypts.public()
	public.Use = "enc"
	w.keys = append(w.keys, public)
	w.in(w.sign(good, w.claims(nil), nil))
	w.out(signWith(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: w.keys[2].Key, KeyID: "hs"}}, w.claims(nil), nil), ostiary.CodeAuthAlgorithm)
	w.out(w.sign(encrypts, w.claims(nil), nil), ostiary.CodeAuthToken)
	w.out(w.sign(weak, w.claims(nil), nil), ostiary.CodeAuthToken)
}

func TestKeysOfAnotherAlgorithm(t *testing.T) {
	k := rsaKey(t, "k", 2048) // published for RS256
	w := newWorld(t, nil, k)
	w.in(w.sign(k, w.claims(nil), nil))
	k.alg = jose.PS256
	w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthToken)
}

func TestAlgorithmsAreAsymmetric(t *testing.T) {
	for _, alg := range []string{"none", "HS256", "HS512", "", "rs256"} {
		_, err := New(Options{
			Clock: time.Now, HTTP: http.DefaultClient, Audience: func(*http.Request) []string { return nil },
			Issuers: []Issuer{{URL: "https://issuer.example", Algorithms: []string{alg}}},
		})
		if err == nil || !contains(err.Error(), "cannot sign with") {
			t.Errorf("%q: %v", alg, err)
		}
	}
}

func TestAccessTokensOnly(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, func(w *world, o *Options) {
		o.Issuers[0].AccessTokensOnly = true
		o.Issuers[0].Algorithms = []string{"ES256"}
	}, k)
	w.in(w.sign(k, w.claims(nil), nil))
	w.out(w.sign(k, w.claims(nil), map[jose.HeaderKey]any{"typ": "JWT"}), ostiary.CodeAuthToken)
	w.out(w.sign(k, w.claims(nil), map[jose.HeaderKey]any{}), ostiary.CodeAuthToken)
}

// A token that was verified is replayed after its expiry, and for another
// endpoint, while it is remembered.
func TestReplayedFromTheCache(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	short := w.sign(k, w.claims(map[string]any{"exp": w.clock().Add(20 * time.Second).Unix()}), nil)
	w.in(short)
	if n := len(w.door.jwt.known.of); n != 1 {
		t.Fatalf("%d tokens are remembered: the attack has nothing to replay", n)
	}
	elsewhere := request(short)
	elsewhere.URL.Path = "/other/mcp"
	refusedWith(t, w.door, elsewhere, ostiary.CodeAuthAudience, short)

	w.pass(25 * time.Second) // over, but for the skew
	w.in(short)
	w.pass(60 * time.Second)
	w.out(short, ostiary.CodeAuthExpired)
	w.pass(-90 * time.Second) // the clock is set back, before anything was remembered
	w.set(func() { w.down, w.keys = true, nil })
	w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthUnavailable)
}

// A token that only the skew lets pass is not remembered beyond it.
func TestNothingIsRememberedPastItsTime(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	late := w.sign(k, w.claims(map[string]any{"exp": w.clock().Add(-30 * time.Second).Unix()}), nil)
	w.in(late)
	w.pass(30 * time.Second)
	w.out(late, ostiary.CodeAuthExpired)
	short := w.sign(k, w.claims(map[string]any{"exp": w.clock().Add(5 * time.Second).Unix()}), nil)
	w.in(short)
	for _, r := range w.door.jwt.known.of {
		if r.until.After(r.value.expires) {
			t.Errorf("remembered until %s, over at %s", r.until, r.value.expires)
		}
	}
}

// What is remembered is remembered for a minute, so that a key that the issuer
// withdrew stops counting.
func TestVerificationIsRememberedForAMinute(t *testing.T) {
	k, other := ecKey(t, "one"), ecKey(t, "two")
	w := newWorld(t, nil, k)
	token := w.sign(k, w.claims(map[string]any{"exp": w.clock().Add(time.Hour).Unix()}), nil)
	w.in(token)
	w.set(func() { w.keys = []jose.JSONWebKey{other.public()} })
	w.pass(20 * time.Second)
	w.in(w.sign(other, w.claims(nil), nil)) // makes the door fetch
	w.in(token)
	w.pass(41 * time.Second)
	w.out(token, ostiary.CodeAuthToken)
}

func TestRotation(t *testing.T) {
	one, two := ecKey(t, "one"), ecKey(t, "two")
	w := newWorld(t, nil, one)
	w.in(w.sign(one, w.claims(nil), nil))
	w.set(func() { w.keys = []jose.JSONWebKey{two.public(), one.public()} })
	// A moment ago it was asked, so not again; then it is.
	w.out(w.sign(two, w.claims(nil), nil), ostiary.CodeAuthToken)
	w.pass(keysPause)
	w.in(w.sign(two, w.claims(nil), nil))
	w.in(w.sign(one, w.claims(nil), nil))
	if w.fetched() != 2 {
		t.Errorf("fetched %d times", w.fetches)
	}
}

// A flood of tokens with invented keys makes one fetch in a pause, and whoever has
// a good token is served all the while.
func TestUnknownKeyFlood(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	w.in(w.sign(k, w.claims(nil), nil))
	stranger := ecKey(t, "x")
	for i := range 200 {
		stranger.id = strings.Repeat("x", i+1)
		w.out(w.sign(stranger, w.claims(nil), nil), ostiary.CodeAuthToken)
		w.pass(100 * time.Millisecond)
		w.in(w.sign(k, w.claims(nil), nil))
	}
	if n := w.fetched(); n < 2 || n > 3 { // 20 s
		t.Errorf("%d fetches", n)
	}
	// Bad signatures of a key that is known make none.
	before := w.fetched()
	forger := ecKey(t, "one")
	for range 20 {
		w.pass(keysPause)
		w.out(w.sign(forger, w.claims(nil), nil), ostiary.CodeAuthToken)
	}
	if w.fetched() != before {
		t.Errorf("bad signatures made %d fetches", w.fetched()-before)
	}
}

// While the issuer is down its keys count for an hour; then nobody is let in until
// it is back.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ecKey(t, "one")
		w := &world{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), keys: []jose.JSONWebKey{k.public()}}
		w.server = &pretended
		o := Options{
			Clock: w.clock, HTTP: &http.Client{Transport: direct{w}},
			Audience: func(*http.Request) []string { return []string{endpoint} },
			Issuers:  []Issuer{{URL: w.server.URL, KeysURL: w.server.URL + "/keys"}},
		}
		var err error
		if w.door, err = New(o); err != nil {
			t.Fatal(err)
		}
		in := func() { t.Helper(); w.in(w.sign(k, w.claims(nil), nil)); synctest.Wait() }
		in()
		w.down = true
		for range 11 {
			w.pass(keysFresh)
			in() // the control: an outage of minutes is not seen
		}
		w.pass(keysFresh)
		w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthUnavailable)
		synctest.Wait()
		e := w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthUnavailable)
		if e.RetryAfter <= 0 || e.RetryAfter > keysPause {
			t.Errorf("retry after %s", e.RetryAfter)
		}
		w.set(func() { w.down = false })
		w.pass(keysPause)
		in()
		before := w.fetched()
		w.pass(keysFresh)
		in()
		in()
		if w.fetched() != before+1 {
			t.Errorf("keys that are no longer fresh were fetched %d times", w.fetched()-before)
		}
	})
}

func TestTheIssuerWasNeverThere(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	w.down = true
	e := w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthUnavailable)
	if !contains(e.Reason, "502") {
		t.Errorf("the operator does not see why: %v", e)
	}
	w.set(func() { w.down = false })
	w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthUnavailable)
	w.pass(keysPause)
	w.in(w.sign(k, w.claims(nil), nil))
}

// A set without end is cut off.
func TestEndlessKeySet(t *testing.T) {
	k := ecKey(t, "one")
	w := newWorld(t, nil, k)
	big := k.public()
	big.KeyID = strings.Repeat("x", askBytes)
	w.keys = append(w.keys, big)
	if e := w.out(w.sign(k, w.claims(nil), nil), ostiary.CodeAuthUnavailable); !contains(e.Reason, "too long") {
		t.Errorf("%v", e)
	}
}

func TestTwoIssuersNameNoCommonPrincipal(t *testing.T) {
	base := Options{Clock: time.Now, HTTP: http.DefaultClient, Audience: func(*http.Request) []string { return nil }}
	for _, tc := range []struct {
		a, b string
		good bool
	}{{"", "", false}, {"", "b/", false}, {"a", "ab", false}, {"a/", "b/", true}} {
		o := base
		o.Issuers = []Issuer{
			{URL: "https://a.example", Claims: Claims{Prefix: tc.a}},
			{URL: "https://b.example", Claims: Claims{Prefix: tc.b}},
		}
		if _, err := New(o); (err == nil) != tc.good {
			t.Errorf("%q and %q: %v", tc.a, tc.b, err)
		}
	}
}

// A token for one issuer, signed by another that is configured too.
func TestOneIssuerSignsForAnother(t *testing.T) {
	k, evil := ecKey(t, "one"), ecKey(t, "one")
	other := newWorld(t, nil, evil)
	w := newWorld(t, func(w *world, o *Options) {
		o.Issuers[0].Claims.Prefix = "us/"
		o.Issuers = append(o.Issuers, Issuer{URL: other.server.URL, Claims: Claims{Prefix: "partner/"}})
	}, k)
	p, _ := w.in(w.sign(evil, w.claims(map[string]any{"iss": other.server.URL}), nil))
	if p.ID != "partner/ann" {
		t.Fatalf("%+v", p)
	}
	w.out(w.sign(evil, w.claims(nil), nil), ostiary.CodeAuthToken)
}
