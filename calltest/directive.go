package calltest

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/wire"
)

// maxRepeat bounds the directive repeat:.
const maxRepeat = 10_000

var directiveNames = []string{"threat", "upstream", "principal", "scopes", "repeat", "era", "timeout", "delay", "policy"}

// directives reads the comment in front of the sections: prose, and lines that
// begin with one word and a colon. A prose line of that shape begins with #.
func (p *parser) directives(comment []byte) {
	seen := map[string]int{}
	for i, text := range strings.Split(string(comment), "\n") {
		key, value, ok := strings.Cut(text, ":")
		if !ok || !isDirective(key) {
			continue
		}
		line := i + 1
		if first, twice := seen[key]; twice {
			p.fail(line, "the directive %s: stands twice; the first is in line %d", key, first)
			continue
		}
		seen[key] = line
		p.directive(line, key, strings.TrimSpace(value))
	}
}

// isDirective reports whether the text before a colon is one word in lower case.
func isDirective(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' && r != '_' })
}

func (p *parser) directive(line int, key, value string) {
	c := p.c
	if value == "" && key != "scopes" {
		p.fail(line, "the directive %s: has no value", key)
		return
	}
	switch key {
	case "threat":
		c.threat = value
	case "upstream":
		if c.upstream = value; strings.ContainsAny(value, "/* ") {
			p.fail(line, "%s cannot name a server: use a word without / and *", brief(value))
		}
	case "principal":
		c.principal = value
	case "scopes":
		c.scopes, c.hasScopes = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }), true
	case "repeat":
		n, err := strconv.Atoi(value)
		if c.repeat = n; err != nil || n < 1 || n > maxRepeat {
			p.fail(line, "repeat: is how often the last call is sent, from 1 to %d", maxRepeat)
		}
	case "era":
		switch value {
		case "legacy":
			c.era = wire.EraLegacy
		case "modern":
			c.era = wire.EraModern
		default:
			p.fail(line, "unknown era %s: write legacy (revisions up to 2025-11-25) or modern (2026-07-28)", brief(value))
		}
	case "timeout":
		c.timeout = p.duration(line, key, value)
	case "delay":
		c.delay = p.duration(line, key, value)
	case "policy":
		c.policyFile = value
		if !filepath.IsAbs(value) {
			c.policyFile = filepath.Join(filepath.Dir(c.file), value)
		}
	default:
		p.fail(line, "unknown directive %s: %s (a line of prose that begins with one word and a colon begins with #)", brief(key), meant(key, directiveNames))
	}
}

func (p *parser) duration(line int, key, value string) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 || d > time.Minute {
		p.fail(line, "%s: is a time such as 200ms or 2s, at most one minute", key)
	}
	return d
}
