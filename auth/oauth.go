package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
)

// Issuer is an authorization server whose JWTs count as access tokens (RFC 9068,
// RFC 7519).
type Issuer struct {
	// URL is the issuer, compared exactly with the claim iss.
	URL string
	// KeysURL is where its keys are; "" is where its OpenID configuration says.
	KeysURL string
	// Algorithms are those that may sign; none is RS256, PS256, ES256 and EdDSA.
	// Only asymmetric ones can be listed.
	Algorithms []string
	// AccessTokensOnly refuses tokens whose type is not at+jwt. Without it JWT and
	// none count as well, because many issuers write no other.
	AccessTokensOnly bool
	Claims           Claims
}

const (
	// verifiedFor is how long the verification of a token is remembered at most.
	verifiedFor = 60 * time.Second
	// maxVerified is how many tokens are remembered.
	maxVerified = 10_000
)

// issuer is an [Issuer] that is ready.
type issuer struct {
	Issuer
	algorithms []jose.SignatureAlgorithm
	keys       *keySet
}

// jwtVerifier checks tokens of the issuers.
type jwtVerifier struct {
	issuers map[string]*issuer
	clock   func() time.Time
	skew    time.Duration
	expand  func([]string) []string
	known   *cache[identity]
}

func (i *Issuer) ready(o *Options) (*issuer, error) {
	if err := secureURL(i.URL); err != nil {
		return nil, configInvalid("auth: the issuer %q is %v", i.URL, err)
	}
	if i.KeysURL != "" {
		if err := secureURL(i.KeysURL); err != nil {
			return nil, configInvalid("auth: the keys of the issuer %s are at a URL that is %v", i.URL, err)
		}
	}
	names := i.Algorithms
	if len(names) == 0 {
		names = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA}
	}
	asymmetric := []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
		oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
	}
	ready := &issuer{Issuer: *i, keys: &keySet{issuer: i.URL, url: i.KeysURL, http: bounded(o.HTTP), clock: o.Clock, log: o.Logger}}
	for _, n := range names {
		if !slices.Contains(asymmetric, n) {
			return nil, configInvalid("auth: the issuer %s cannot sign with %q: list some of %s", i.URL, n, strings.Join(asymmetric, ", "))
		}
		ready.algorithms = append(ready.algorithms, jose.SignatureAlgorithm(n))
	}
	return ready, nil
}

// header is what we read of a token before anything is verified. It chooses which
// check applies, and whatever it says is checked again or refused.
type header struct {
	Alg string `json:"alg"`
	Typ string `json:"typ"`
}

// parseJWT reports whether a token has the form of a JWT in compact form.
func parseJWT(token string) (h header, payload string, ok bool) {
	first, rest, _ := strings.Cut(token, ".")
	payload, signature, three := strings.Cut(rest, ".")
	if !three || strings.Contains(signature, ".") || !segment(first, &h) || h.Alg == "" {
		return header{}, "", false
	}
	return h, payload, true
}

func segment(s string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && json.Unmarshal(b, into) == nil
}

// verify returns who a JWT stands for. Whether it was made for us is not looked at
// here, because that depends on the endpoint. What it finds is remembered under
// the hash of the token.
func (v *jwtVerifier) verify(ctx context.Context, token string, hash *tokenHash, h header, payload string) (identity, *ostiary.Error) {
	now := v.clock()
	var claimed struct {
		Issuer string `json:"iss"`
	}
	if !segment(payload, &claimed) {
		return identity{}, badToken()
	}
	from := v.issuers[claimed.Issuer]
	if from == nil {
		return identity{}, refuse(ostiary.CodeAuthIssuer, "the token is of an issuer that is not known here: sign in where the metadata of this resource says")
	}
	id, err := v.fresh(ctx, from, token, h, now)
	if err != nil {
		return identity{}, err
	}
	until := now.Add(verifiedFor)
	if id.expires.Before(until) {
		until = id.expires // while only the skew lets it pass, it is not remembered
	}
	v.known.put(hash, id, now, until)
	return id, nil
}

func (v *jwtVerifier) fresh(ctx context.Context, from *issuer, token string, h header, now time.Time) (identity, *ostiary.Error) {
	if !slices.Contains(from.algorithms, jose.SignatureAlgorithm(h.Alg)) {
		return identity{}, refuse(ostiary.CodeAuthAlgorithm, "the token is signed in a way that is not accepted: the issuer must use one of %s", join(from.algorithms))
	}
	if !from.accepts(h.Typ) {
		return identity{}, because(badToken(), "its type says that it is no access token")
	}
	a := &attempt{keys: from.keys, algorithms: from.algorithms}
	signed, err := oidc.NewVerifier(from.URL, a, &oidc.Config{
		SupportedSigningAlgs: strs(from.algorithms),
		// The audience depends on the endpoint, and the library knows no skew.
		SkipClientIDCheck: true, SkipExpiryCheck: true,
	}).Verify(ctx, token)
	if a.err != nil {
		return identity{}, a.err
	}
	if err != nil {
		return identity{}, badToken()
	}
	var raw json.RawMessage
	if err := signed.Claims(&raw); err != nil {
		return identity{}, badToken()
	}
	c, err := decodeClaims(raw)
	if err != nil || c.text("iss") != from.URL {
		return identity{}, badToken()
	}
	exp, refused := inTime(c, now, v.skew, true)
	if refused != nil {
		return identity{}, refused
	}
	id, refused := identify(c, &from.Claims, v.expand)
	id.expires = exp
	return id, refused
}

// accepts looks at the type, so that no other token of the issuer, a logout token
// or a DPoP proof, passes for an access token (RFC 8725, section 3.11).
func (i *issuer) accepts(typ string) bool {
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "at+jwt":
		return true
	case "", "jwt":
		return !i.AccessTokensOnly
	}
	return false
}

func strs(algorithms []jose.SignatureAlgorithm) []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, string(a))
	}
	return names
}

func join(algorithms []jose.SignatureAlgorithm) string { return strings.Join(strs(algorithms), ", ") }
