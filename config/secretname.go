package config

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/ostiary/ostiary/redact"
)

// secretName finds environment variables whose value is a credential by their name.
var secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|api_?key|private_?key|access_?key|auth(orization)?|cookie|credential|session|dsn|database_url)s?($|_)`)

// harmlessName finds those whose value is none. Every other may be one, whatever
// it is called: STRIPE_KEY, GITHUB_PAT, AWS_CREDS.
var harmlessName = regexp.MustCompile(`(?i)^(LANG|LANGUAGE|LC_.*|TZ|PATH|HOME|USER|LOGNAME|SHELL|PWD|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|TMPDIR|TEMP|TMP|` +
	`DISPLAY|EDITOR|NODE_ENV|NODE_OPTIONS|NO_PROXY|DEBUG|LOG_LEVEL|LOGLEVEL|RUST_LOG|XDG_.*|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|` +
	`.*_(DIR|PATH|HOME|ROOT|HOST|PORT|REGION|ENV|MODE|LEVEL))$`)

// likely is a value that may be a credential. Nobody said so, and so it must not
// keep the door from starting.
type likely struct{ name, value string }

// likelySecrets are what may be a credential in the value of a variable. A
// value of fewer than redact.MinKnown bytes, such as 1 or true, is none.
func likelySecrets(name, value string) []likely {
	if u, err := url.Parse(value); err == nil && u.Scheme != "" && u.Host != "" {
		if u.User == nil && strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			return nil
		}
		if password, ok := u.User.Password(); ok && len(password) >= redact.MinKnown {
			return []likely{{name, value}, {name, password}}
		}
	}
	if harmlessName.MatchString(name) || len(strings.TrimSpace(value)) < redact.MinKnown {
		return nil
	}
	return []likely{{name, value}}
}
