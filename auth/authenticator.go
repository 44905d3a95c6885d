package auth

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/network"
)

// Authenticator says who sends a request. It is used by many goroutines at once.
type Authenticator struct {
	o            Options
	jwt          *jwtVerifier
	opaque       *introspector
	keys         *apiKeys
	certificates *certificates
	anonymous    identity
}

// New makes an Authenticator. The error is config_invalid.
func New(o Options) (*Authenticator, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Skew == 0 {
		o.Skew = 60 * time.Second
	}
	asks := len(o.Issuers) > 0 || o.Introspection != nil
	switch {
	case o.Clock == nil:
		return nil, configInvalid("auth: there is no clock")
	case o.Skew < 0 || o.Skew > 5*time.Minute:
		return nil, configInvalid("auth: the skew of clocks is from 0s to 5m, not %s", o.Skew)
	case asks && (o.HTTP == nil || o.Audience == nil):
		return nil, configInvalid("auth: tokens need a client that asks the issuers, and an audience")
	}
	if err := distinct(&o); err != nil {
		return nil, err
	}
	a := &Authenticator{o: o, anonymous: identity{
		principal: ostiary.Principal{ID: anonymousID, Scopes: settle(o.AnonymousScopes, o.Expand)}, session: anonymousID,
	}}
	var err error
	if len(o.Issuers) > 0 {
		a.jwt = &jwtVerifier{issuers: map[string]*issuer{}, clock: o.Clock, skew: o.Skew, expand: o.Expand, known: newCache[identity](maxVerified)}
		for i := range o.Issuers {
			if a.jwt.issuers[o.Issuers[i].URL], err = o.Issuers[i].ready(&o); err != nil {
				return nil, err
			}
		}
	}
	if o.Introspection != nil {
		if a.opaque, err = o.Introspection.ready(&o); err != nil {
			return nil, err
		}
	}
	if o.Store != nil {
		a.keys = &apiKeys{store: o.Store, clock: o.Clock, log: o.Logger, expand: o.Expand}
	}
	if len(o.Certificates) > 0 {
		if a.certificates, err = readyCertificates(&o); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Authenticate says who sends a request, and in which session. Exactly one
// credential must stand for the request: a bearer token in the header
// Authorization, which is a JWT, an API key or opaque, or a client certificate
// that TLS has verified. The error is an [ostiary.Error] with a code that begins
// with auth_, or with that of the store; see [Resource.Challenge]. It holds
// nothing of what was sent. The scopes of the principal must not be changed.
//
// The caller takes the header Authorization away before anything is forwarded.
func (a *Authenticator) Authenticate(r *http.Request) (ostiary.Principal, string, error) {
	id, err := a.identify(r)
	if err != nil {
		return ostiary.Principal{}, "", err
	}
	return id.principal, id.session, nil
}

// Ends is when the time of the request's credential is over, the zero time where
// that is not known or nobody is identified. A token counts a little longer, as
// long as clocks may differ; one that was taken back ends without being asked. It
// is for what lasts longer than one request.
func (a *Authenticator) Ends(r *http.Request) time.Time {
	id, err := a.identify(r)
	if err != nil {
		return time.Time{}
	}
	return id.expires
}

func (a *Authenticator) identify(r *http.Request) (identity, error) {
	if inURL(r.URL) {
		return identity{}, refuse(ostiary.CodeAuthQuery, "a credential is in the URL, where logs keep it: send it in the header Authorization, and replace this one")
	}
	token, refused := bearer(r.Header)
	if refused != nil {
		return identity{}, refused
	}
	if a.certificates != nil {
		if cert := presented(r); cert != nil {
			if token != "" {
				return identity{}, refuse(ostiary.CodeAuthAmbiguous, "the request has a client certificate and a bearer token: send one of them")
			}
			return settled(a.certificates.identify(cert))
		}
	}
	if token == "" {
		if a.o.DangerouslyAllowAnonymous {
			return a.anonymous, nil
		}
		return identity{}, refuse(ostiary.CodeAuthMissing, "the request does not say who sends it: sign in, or send an API key as a bearer token")
	}
	return settled(a.token(r.Context(), token, r))
}

// token sends a bearer token to the one check that applies. What looks like an API
// key goes nowhere else, and a JWT is never opaque where there are issuers.
func (a *Authenticator) token(ctx context.Context, token string, r *http.Request) (identity, *ostiary.Error) {
	if looksLikeKey(token) {
		if a.keys == nil {
			return identity{}, noSuchKey()
		}
		return a.keys.verify(ctx, token)
	}
	hash := tokenHash(sha256.Sum256([]byte(token)))
	if a.jwt != nil {
		if id, ok := a.jwt.known.get(&hash, a.o.Clock()); ok {
			return a.meant(id, r, false)
		}
		if h, payload, ok := parseJWT(token); ok {
			id, err := a.jwt.verify(ctx, token, &hash, h, payload)
			if err != nil {
				return identity{}, err
			}
			return a.meant(id, r, false)
		}
	}
	if a.opaque == nil {
		return identity{}, badToken()
	}
	id, err := a.opaque.verify(ctx, token, hash, a.from(r))
	if err != nil {
		return identity{}, err
	}
	return a.meant(id, r, a.opaque.DangerouslyAnyAudience)
}

// from is the network that a request comes from, "" if nobody knows.
func (a *Authenticator) from(r *http.Request) string {
	if a.o.Address == nil {
		return ""
	}
	return network.Of(a.o.Address(r))
}

// meant checks that a token was made for the endpoint. unsaid lets one pass that
// does not say for whom it was made.
func (a *Authenticator) meant(id identity, r *http.Request, unsaid bool) (identity, *ostiary.Error) {
	if len(id.audience) == 0 && unsaid {
		return id, nil
	}
	accepted := a.o.Audience(r)
	for _, aud := range id.audience {
		if aud != "" && slices.Contains(accepted, aud) {
			return id, nil
		}
	}
	return identity{}, refuse(ostiary.CodeAuthAudience, "the token was made for another resource: ask the issuer for one with  resource  set to this endpoint")
}

// settled keeps a nil *ostiary.Error from becoming an error that is not nil.
func settled(id identity, refused *ostiary.Error) (identity, error) {
	if refused != nil {
		return identity{}, refused
	}
	return id, nil
}
