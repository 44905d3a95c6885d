package auth

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// Options are what an Authenticator is made of. The zero value lets nobody in.
type Options struct {
	Clock func() time.Time
	// HTTP asks issuers; it must not reach what callers choose. Needed with Issuers
	// and Introspection.
	HTTP *http.Client
	// Audience returns what a token for the endpoint of a request may name in aud
	// (RFC 8707). Needed with Issuers and Introspection; a request for which it
	// returns nothing accepts no token.
	Audience func(*http.Request) []string
	// Address says where a request comes from, as far as that was verified; nil or ""
	// is not known. Who comes from one address has a bounded share of what issuers are
	// asked at once.
	Address func(*http.Request) string
	// Skew is how far the clock of an issuer may be off; 0 is 60 seconds.
	Skew          time.Duration
	Issuers       []Issuer
	Introspection *Introspection
	// Store, if set, holds API keys.
	Store        ostiary.Store
	Certificates []Certificate
	// Expand returns the scopes and everything that they imply; nil is no
	// hierarchy. It is asked once a token, not once a call.
	Expand func([]string) []string
	// DangerouslyAllowAnonymous lets those in who send no credential, all as the
	// principal anonymous, in one session, with AnonymousScopes. A credential that
	// does not count is refused all the same.
	DangerouslyAllowAnonymous bool
	AnonymousScopes           []string
	// Logger gets what an operator should know; nil is silence.
	Logger *slog.Logger
}

// distinct sees to it that no two issuers can name the same principal: of their
// prefixes none may be the beginning of another.
func distinct(o *Options) error {
	for i := range o.Issuers {
		a := &o.Issuers[i]
		for j := range o.Issuers[:i] {
			b := &o.Issuers[j]
			if a.URL == b.URL {
				return configInvalid("auth: the issuer %s is there twice: keep one", a.URL)
			}
			if p, q := a.Claims.Prefix, b.Claims.Prefix; strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return configInvalid("auth: the issuers %s and %s could name the same principal: give each a prefix of its own, as  prefix: \"name/\"", b.URL, a.URL)
			}
		}
		if !scopesFit(a.Claims.Scopes) {
			return configInvalid("auth: a claim of the issuer %s is mapped to what is no scope, or to nothing", a.URL)
		}
	}
	if n := o.Introspection; n != nil && !scopesFit(n.Claims.Scopes) {
		return configInvalid("auth: a claim of introspection is mapped to what is no scope, or to nothing")
	}
	return nil
}

func scopesFit(maps []Mapping) bool {
	for _, m := range maps {
		if m.Claim == "" || m.Value == "" || len(m.Scopes) == 0 || !slices.Equal(legal(m.Scopes), m.Scopes) {
			return false
		}
	}
	return true
}
