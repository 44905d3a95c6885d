package main

import (
	"testing"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
)

// TestNamesakes: a principal that an issuer could name as well is told of; a prefix
// keeps them apart, which is the control.
func TestNamesakes(t *testing.T) {
	keys := []auth.Key{{Prefix: "abcdefghij", Principal: "alice"}}
	for prefix, want := range map[string]int{"": 3, "corp/": 0, "ali": 1} {
		file := &config.File{Path: "policy.yaml"}
		file.Auth.Issuers = []auth.Issuer{{URL: "https://issuer.example", Claims: auth.Claims{Prefix: prefix}}}
		file.Auth.Certificates = []auth.Certificate{{Kind: "cn", Value: "build", Principal: "builder"}}
		file.Principals = []config.Principal{{Name: "carol", User: "carol"}, {Name: "dora"}}
		found := namesakes(file, keys)
		if len(found) != want {
			t.Errorf("prefix %q: %d findings, want %d: %v", prefix, len(found), want, found)
		}
		file.Auth.NoKeys = true
		if n := len(namesakes(file, keys)); want > 0 && n != want-1 {
			t.Errorf("prefix %q: %d findings without keys", prefix, n)
		}
	}
}
