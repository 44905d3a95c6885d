package main

import (
	"net/http"
	"slices"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/auth"
)

// resource is an endpoint as those see it who want to sign in, and the scopes to
// begin with: those that reading needs. What an effect needs is asked for when it
// is called, so that nobody signs in for more than is used.
func (s *site) resource(endpoint, upstream string) (_ *auth.Resource, signIn []string, err error) {
	var issuers []string
	for _, i := range s.file.Auth.Issuers {
		issuers = append(issuers, i.URL)
	}
	if n := s.file.Auth.Introspection; n != nil && n.Issuer != "" && !slices.Contains(issuers, n.Issuer) {
		issuers = append(issuers, n.Issuer)
	}
	may := func(effects ...ostiary.Effect) []string {
		return s.file.Auth.Requestable(s.house.Policy.Scopes(upstream, effects...))
	}
	r, err := auth.NewResource(auth.ResourceOptions{
		URL: s.endpoint(endpoint), AuthorizationServers: issuers, Name: endpoint, Scopes: may(),
	})
	return r, may(ostiary.EffectRead), err
}

// stepUp asks those who came with a token to sign in for the scopes of a call.
func stepUp(r *auth.Resource) func(session string, err error, scopes []string) (int, http.Header) {
	return func(session string, err error, scopes []string) (int, http.Header) {
		if !auth.FromToken(session) {
			return 0, nil
		}
		return r.Challenge(err, scopes)
	}
}
