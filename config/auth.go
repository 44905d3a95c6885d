package config

import (
	"net/http"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/egress"
)

// Auth says who may call over HTTP, and how they prove who they are.
type Auth struct {
	Issuers       []auth.Issuer
	Introspection *auth.Introspection
	Certificates  []auth.Certificate
	// NoKeys says that API keys do not count.
	NoKeys bool
	Skew   time.Duration
	// AllowPrivate are the private addresses at which issuers may be asked.
	AllowPrivate []string
	Anonymous    bool
	// AnonymousScopes are those of callers without a credential.
	AnonymousScopes []string
}

func authKind() kind[Auth] {
	return object("auth", nil, nil,
		key("issuers", list(issuerKind(), false), func(a *Auth) *[]auth.Issuer { return &a.Issuers },
			"The issuers whose JWTs count (OAuth 2.1). A token must be made for the endpoint that it is used at (RFC 8707)."),
		key("introspection", pointer(introspectionKind()), func(a *Auth) **auth.Introspection { return &a.Introspection },
			"Where opaque tokens are looked up (RFC 7662)."),
		key("certificates", list(certificateKind(), false), func(a *Auth) *[]auth.Certificate { return &a.Certificates },
			"Whose client certificates count; needs `serve.client_ca`."),
		key("keys", not(boolean()), func(a *Auth) *bool { return &a.NoKeys }, "Whether API keys count, which `ostiary key create` makes. Default: `true`."),
		key("skew", duration(time.Second, 5*time.Minute), func(a *Auth) *time.Duration { return &a.Skew },
			"How far the clock of an issuer may be off. Default: `60s`."),
		key("allow_private", allowPrivate(), func(a *Auth) *[]string { return &a.AllowPrivate }, allowPrivateDoc),
		key("anonymous_scopes", list(scope(), false), func(a *Auth) *[]string { return &a.AnonymousScopes },
			"The scopes of callers without a credential, where they may call at all."),
		key("dangerously_allow_anonymous", boolean(), func(a *Auth) *bool { return &a.Anonymous },
			"Lets callers in who send no credential, all as one principal, `anonymous`."),
	)
}

func issuerKind() kind[auth.Issuer] {
	fields := []field[auth.Issuer]{
		must(key("url", checked("the URL of an issuer", "^https?://", checkURL), func(i *auth.Issuer) *string { return &i.URL },
			"The issuer, exactly as its tokens name it in `iss`.")),
		key("keys_url", checked("a URL", "^https?://", checkURL), func(i *auth.Issuer) *string { return &i.KeysURL },
			"Where its keys are. Default: where its OpenID configuration says."),
		key("algorithms", list(word("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"), false),
			func(i *auth.Issuer) *[]string { return &i.Algorithms }, "What may sign. Default: `RS256`, `PS256`, `ES256`, `EdDSA`."),
		key("access_tokens_only", boolean(), func(i *auth.Issuer) *bool { return &i.AccessTokensOnly },
			"Refuses tokens whose type is not `at+jwt` (RFC 9068). Default: `false`, because many issuers write no other."),
	}
	return object("an issuer", nil, nil, append(fields, claimFields(func(i *auth.Issuer) *auth.Claims { return &i.Claims })...)...)
}

func introspectionKind() kind[auth.Introspection] {
	fields := []field[auth.Introspection]{
		must(key("url", checked("a URL", "^https?://", checkURL), func(n *auth.Introspection) *string { return &n.URL }, "The introspection endpoint.")),
		must(key("client_id", text("the id of a client"), func(n *auth.Introspection) *string { return &n.ClientID }, "As whom the door asks.")),
		must(key("client_secret", secretFunc(), func(n *auth.Introspection) *func() (string, error) { return &n.Secret }, "Its secret: `${file:PATH}` or `${env:NAME}`.")),
		key("issuer", checked("the URL of an issuer", "^https?://", checkURL), func(n *auth.Introspection) *string { return &n.Issuer },
			"Who must have issued the token, where the answer says it."),
		key("dangerously_any_audience", boolean(), func(n *auth.Introspection) *bool { return &n.DangerouslyAnyAudience },
			"Accepts answers that do not say whom the token was made for."),
	}
	return object("introspection", nil, nil, append(fields, claimFields(func(n *auth.Introspection) *auth.Claims { return &n.Claims })...)...)
}

// secretFunc reads a credential that is asked for when it is needed.
func secretFunc() kind[func() (string, error)] {
	text := envValue()
	return kind[func() (string, error)]{text.shape, func(d *decoder, n ast.Node, out *func() (string, error)) {
		var s string
		text.decode(d, n, &s)
		*out = func() (string, error) { return s, nil }
	}}
}

// claimFields are what of a token's claims makes the principal.
func claimFields[S any](at func(*S) *auth.Claims) []field[S] {
	return []field[S]{
		key("principal", text("the name of a claim"), func(s *S) *string { return &at(s).Principal },
			"The claim that names who calls. Default: `sub`."),
		key("prefix", text("a text"), func(s *S) *string { return &at(s).Prefix },
			"Stands before the name, so that two issuers cannot name the same principal."),
		key("scopes", list(mappingKind(), false), func(s *S) *[]auth.Mapping { return &at(s).Scopes },
			"Scopes for those who have a value in a claim, such as a group, beside those that the token carries."),
	}
}

func mappingKind() kind[auth.Mapping] {
	return object("a mapping of a claim", nil, nil,
		must(key("claim", text("the name of a claim"), func(m *auth.Mapping) *string { return &m.Claim },
			"The claim, or a JSON pointer such as `/realm_access/roles`.")),
		must(key("value", text("a text"), func(m *auth.Mapping) *string { return &m.Value }, "The value, or one of its values.")),
		must(key("scopes", list(scope(), false), func(m *auth.Mapping) *[]string { return &m.Scopes }, "What it gives.")),
	)
}

func certificateKind() kind[auth.Certificate] {
	return object("a certificate", nil, nil,
		must(key("kind", word("uri", "dns", "email", "cn", "sha256"), func(c *auth.Certificate) *string { return &c.Kind }, "What of the certificate is compared.")),
		must(key("value", text("a text"), func(c *auth.Certificate) *string { return &c.Value }, "With what, exactly.")),
		must(key("principal", text("the name of a principal"), func(c *auth.Certificate) *string { return &c.Principal }, "Who that is.")),
		key("scopes", list(scope(), true), func(c *auth.Certificate) *[]string { return &c.Scopes }, "The scopes that it holds."),
	)
}

// NewAuth makes the check of who calls over HTTP. audience returns what a token
// for the endpoint of a request may name, address where it comes from.
func (f *File) NewAuth(w Wiring, s ostiary.Store, audience func(*http.Request) []string, address func(*http.Request) string) (*auth.Authenticator, error) {
	o := auth.Options{
		Clock: w.Now, Audience: audience, Address: address, Skew: f.Auth.Skew, Issuers: f.Auth.Issuers, Introspection: f.Auth.Introspection,
		Certificates: f.Auth.Certificates, DangerouslyAllowAnonymous: f.Auth.Anonymous, AnonymousScopes: f.Auth.AnonymousScopes, Expand: f.Expand, Logger: w.Log,
	}
	if !f.Auth.NoKeys {
		o.Store = s
	}
	if len(o.Issuers) > 0 || o.Introspection != nil {
		d, err := egress.New(egress.Options{AllowPrivate: f.Auth.AllowPrivate, Timeout: issuerTimeout, Clock: w.Now})
		if err != nil {
			return nil, err
		}
		o.HTTP = d.Client()
	}
	return auth.New(o)
}

// Mapped are the rows by which claims of tokens give scopes.
func (a *Auth) Mapped() (all []auth.Mapping) {
	for i := range a.Issuers {
		all = append(all, a.Issuers[i].Claims.Scopes...)
	}
	if a.Introspection != nil {
		all = append(all, a.Introspection.Claims.Scopes...)
	}
	return all
}

// Requestable leaves out those scopes that claims of a token give: an issuer need
// not know them, and may refuse who asks for what it does not know.
func (a *Auth) Requestable(scopes []string) []string {
	given := map[string]bool{}
	for _, m := range a.Mapped() {
		for _, s := range m.Scopes {
			given[s] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return given[s] })
}

// not reads a switch whose absence means yes.
func not(k kind[bool]) kind[bool] {
	return kind[bool]{k.shape, func(d *decoder, n ast.Node, out *bool) {
		var v bool
		k.decode(d, n, &v)
		*out = !v
	}}
}

// issuerTimeout bounds one question to an issuer, while which a call waits.
const issuerTimeout = 5 * time.Second
