package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/policy"
)

// namesakes finds principals of this file, or of its keys, whom an issuer could name
// too: who has that name there has the sessions, grants and approvals of the one here.
// A prefix keeps them apart.
func namesakes(file *config.File, keys []auth.Key) []policy.Finding {
	names := map[string]string{}
	for _, p := range file.Principals {
		if p.User != "" {
			names[p.Name] = "the user " + p.User
		}
	}
	for _, c := range file.Auth.Certificates {
		names[c.Principal] = "the certificate " + c.Kind + ":" + c.Value
	}
	if !file.Auth.NoKeys {
		for _, k := range keys {
			names[k.Principal] = "the key " + k.Prefix
		}
	}
	var found []policy.Finding
	look := func(issuer, prefix string) {
		for name, holds := range names {
			if prefix != "" && !strings.HasPrefix(name, prefix) {
				continue
			}
			found = append(found, policy.Finding{Source: file.Path, Severity: policy.SeverityWarning,
				Message: fmt.Sprintf("%s is the principal %s, and whom %s calls %s is the same principal", holds, name, issuer, strings.TrimPrefix(name, prefix)),
				Next:    "give the issuer a prefix of its own, as in  prefix: \"name/\", unless both are one person"})
		}
	}
	for i := range file.Auth.Issuers {
		look("the issuer "+file.Auth.Issuers[i].URL, file.Auth.Issuers[i].Claims.Prefix)
	}
	if n := file.Auth.Introspection; n != nil {
		look("the issuer behind "+n.URL, n.Claims.Prefix)
	}
	slices.SortFunc(found, func(a, b policy.Finding) int { return cmp.Compare(a.Message, b.Message) })
	return found
}
