package auth

import (
	"slices"
	"strings"
)

// Mapping gives scopes to whoever has a value in a claim: a group, a role.
type Mapping struct {
	// Claim is the name of a claim whose value is a text or a list of texts. One
	// that begins with a slash is a JSON pointer (RFC 6901) into the claims, as
	// /realm_access/roles.
	Claim string
	// Value is compared exactly.
	Value  string
	Scopes []string
}

// maxScopes is how many scopes of one principal count.
const maxScopes = 256

// scopesOf are the scopes that a token carries by itself (scope, RFC 8693 section
// 4.2, and scp, which some issuers write) and those that the configuration gives
// for its claims.
func scopesOf(c claims, maps []Mapping) []string {
	scopes := strings.Fields(c.text("scope"))
	for _, s := range c.list("scp") {
		scopes = append(scopes, strings.Fields(s)...)
	}
	for _, m := range maps {
		if slices.Contains(c.list(m.Claim), m.Value) {
			scopes = append(scopes, m.Scopes...)
		}
	}
	return scopes
}

// settle makes the final list: what the scopes imply is added, then duplicates
// and what is no scope go. It is bounded, because it is looked at for every call.
func settle(scopes []string, expand func([]string) []string) []string {
	scopes = legal(scopes)
	if expand != nil {
		scopes = legal(expand(slices.Clone(scopes)))
	}
	return slices.Clip(scopes)
}

func legal(scopes []string) []string {
	var kept []string
	for _, s := range scopes {
		if scopeToken(s) && !slices.Contains(kept, s) && len(kept) < maxScopes {
			kept = append(kept, s)
		}
	}
	return kept
}

// scopeToken is the grammar of RFC 6749, section 3.3: 1*( %x21 / %x23-5B /
// %x5D-7E ). Nothing else may reach a header.
func scopeToken(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
