package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/auth"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/policy"
)

// holder is one credential, or what one row gives, and the scopes that come with
// it, those that they imply among them.
type holder struct {
	what   string // as in "the principal alice"
	at     string // the row that gives them
	scopes []string
}

func (h *holder) holds(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(h.scopes, s) })
}

// holders are the credentials of which it is known what they bring. Beside them
// the tokens of an issuer may bring any scope.
func holders(file *config.File, keys []auth.Key) []holder {
	var all []holder
	add := func(at config.Pos, scopes []string, format string, args ...any) {
		h := holder{what: fmt.Sprintf(format, args...), at: file.Path, scopes: file.Expand(scopes)}
		if at.Line > 0 {
			h.at = fmt.Sprintf("%s:%d:%d", file.Path, at.Line, at.Col)
		}
		all = append(all, h)
	}
	for _, p := range file.Principals {
		add(p.Pos, p.Scopes, "the principal %s", p.Name)
	}
	for _, c := range file.Auth.Certificates {
		add(config.Pos{}, c.Scopes, "the certificate %s:%s", c.Kind, c.Value)
	}
	if file.Auth.Anonymous {
		add(config.Pos{}, file.Auth.AnonymousScopes, "a caller without a credential")
	}
	if !file.Auth.NoKeys {
		for _, k := range keys {
			add(config.Pos{}, k.Scopes, "the key %s of %s", k.Prefix, k.Principal)
		}
	}
	return all
}

// keys are the live API keys of the state directory; none where there is no store.
func (l *policyLintCommand) keys(ctx context.Context, p program) (_ []auth.Key, err error) {
	dir, err := l.dir()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "store.sqlite")); err != nil {
		return nil, nil // nothing was kept yet; lint makes nothing
	}
	d, err := openDesk(ctx, p, l.stateFlag, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = closing(err, d) }()
	return openKeys(d).List(ctx, auth.KeyFilter{})
}

// people finds scopes that nobody holds, rules that nobody can satisfy and
// principals whom the system does not know. Where nobody is named the refusal
// itself shows the line to add; where tokens count, they may bring any scope.
func people(file *config.File, known []holder) []policy.Finding {
	var found []policy.Finding
	warn := func(at, next, format string, args ...any) {
		found = append(found, policy.Finding{Source: at, Severity: policy.SeverityWarning, Message: fmt.Sprintf(format, args...), Next: next})
	}
	place := func(at config.Pos) string { return fmt.Sprintf("%s:%d:%d", file.Path, at.Line, at.Col) }
	for _, p := range file.Principals {
		var unknown user.UnknownUserError
		if _, err := user.Lookup(p.User); errors.As(err, &unknown) {
			warn(place(p.Pos), "correct user:, unless the file is for another machine",
				"this system has no user %q, so the principal %s is nobody here", p.User, p.Name)
		}
	}
	if len(known) == 0 || len(file.Auth.Issuers) > 0 || file.Auth.Introspection != nil {
		return found
	}
	held := func(scopes ...string) bool {
		return slices.ContainsFunc(known, func(h holder) bool { return h.holds(scopes) })
	}
	for _, s := range file.Scopes {
		if !held(s.Name) {
			warn(place(s.Pos), "give the scope to somebody, or remove its row", "nobody holds the scope %s", s.Name)
		}
	}
	for _, r := range file.Rules {
		missing := slices.DeleteFunc(slices.Clone(r.Scopes), func(s string) bool { return held(s) })
		for _, s := range missing {
			warn(r.Source, "give the scope to a principal, a key or a certificate, or correct its name",
				"rule %s needs the scope %s, which no principal holds and no key or certificate, so it denies everybody", r.Pattern, s)
		}
		if len(missing) == 0 && !held(r.Scopes...) {
			warn(r.Source, "give somebody all of them, or make a row for each",
				"rule %s needs the scopes %s together, and nobody holds them all, so it denies everybody", r.Pattern, strings.Join(r.Scopes, " and "))
		}
	}
	return found
}
