package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/validate"
)

// draft is a policy for one server, written for a person to edit. It allows no
// more than the defaults: what a tool says of itself makes nothing looser. All
// names and descriptions are text from outside.
type draft struct {
	up    config.Upstream
	tools []ostiary.Tool
	root  string // the first directory that the server is started with; "" is none
}

func (d draft) write() []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Policy for the server %s, a draft of `ostiary policy init`. Read each row: the", plain(d.up.Name))
	p("# server described its tools itself. Lines that begin with # change nothing;")
	p("# remove the # where you agree. `ostiary policy lint` compares it with the server.")
	p("# Keep this file where neither the server nor the agent can write.")
	p("version: 1")
	p("")
	p("upstreams:")
	p("  %s:", yamlText(d.up.Name))
	words := make([]string, len(d.up.Command))
	for i, w := range d.up.Command {
		words[i] = yamlText(w)
	}
	p("    command: [%s]", strings.Join(words, ", "))
	p("")
	p("# Scopes over stdio, one row for each user of this machine; a rule with `scope:`")
	p("# denies whoever does not hold it.")
	p("# principals:")
	p("#   me: {user: NAME, scopes: [%s:read, %s:write]}", plain(d.up.Name), plain(d.up.Name))
	p("")
	p("# Looked at first, and always win.")
	p("# deny:")
	p("#   - {tool: \"*/*\", args: {path: {under: [~/.ssh, ~/.aws, ~/.gnupg]}}, reason: keys stay home}")
	p("")
	p("# limits: {per_principal_tool: 300/min, effects_per_principal_tool: 30/min, timeout: 60s}")
	p("")
	if len(d.tools) == 0 {
		p("rules: [] # the server has no tools")
		return b.Bytes()
	}
	p("rules:")
	for _, t := range d.tools {
		d.rule(p, t)
	}
	return b.Bytes()
}

// rule writes the row of one tool.
func (d draft) rule(p func(string, ...any), t ostiary.Tool) {
	target := d.up.Name + "/" + t.Name
	if text := plain(t.Description); text != "" {
		p("  # %s: %s", plain(t.Name), text)
	}
	if strings.ContainsFunc(t.Name, func(r rune) bool { return r == '*' || !unicode.IsPrint(r) }) {
		p("  # %s cannot be written as a pattern; it stays with the defaults.", plain(t.Name))
		return
	}
	effect, why := policy.Suggest(t)
	p("  - tool: %s", yamlText(target))
	p("    effect: %s # %s", effect, plain(why))
	switch {
	case effect.Asks():
		p("    # grant: {max: 5m} # how long `ostiary grant create` may let such calls pass, without asking for each")
	case effect == ostiary.EffectWrite:
		p("    approve: {} # without this line it passes without a person")
	}
	if open := t.Annotations.OpenWorld; open != nil && !*open {
		p("    # world: closed # the server says that it neither sends nor fetches; true only if you know")
	}
	kind := "write"
	if effect == ostiary.EffectRead {
		kind = "read"
	}
	p("    # scope: %s:%s", plain(d.up.Name), kind)
	if effect != ostiary.EffectRead {
		d.consent(p, t)
	}
	d.args(p, t)
}

// args writes the validators that the tool's schema suggests: at work where all
// that they need is known, else as a comment.
func (d draft) args(p func(string, ...any), t ostiary.Tool) {
	var sure, unsure []string
	for _, s := range validate.Suggest(t) {
		optional := ""
		if s.Optional {
			optional = ", optional: true"
		}
		line := func(validator string) string {
			at := s.Pointer
			if s.Kind == "command" {
				at = strings.TrimSuffix(at, "/*") // it judges all words together
			}
			return fmt.Sprintf("      %s: {%s%s} # %s", yamlText(at), validator, optional, plain(s.Why))
		}
		switch s.Kind {
		case "path":
			if d.root != "" {
				sure = append(sure, line("path: "+yamlText(d.root)))
			} else {
				unsure = append(unsure, line("path: ./workspace"))
			}
		case "url":
			unsure = append(unsure, line("url: {hosts: [example.org]}"))
		case "sql":
			unsure = append(unsure, line("sql: {dialect: postgresql}"))
		case "command":
			unsure = append(unsure, line("command: {allow: [{path: /usr/bin/git, subcommands: [log, status]}]}"))
		}
	}
	switch {
	case len(sure) > 0:
		p("    args:")
	case len(unsure) > 0:
		p("    # args:")
	}
	for _, line := range sure {
		p("%s", line)
	}
	for _, line := range unsure {
		p("    # %s", strings.TrimPrefix(line, "    "))
	}
}

// plain makes text from outside fit for a comment: one line, nothing that an
// editor hides or turns around, not too long.
func plain(s string) string {
	const most = 100
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

var plainScalar = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_./-]*$`)

// yamlText writes a text as a scalar that means it in every position.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return quotedScalar(s)
	}
	if plainScalar.MatchString(s) || strings.HasPrefix(s, "/") && plainScalar.MatchString("x"+s) {
		return s
	}
	return quotedScalar(s)
}

// quotedScalar escapes whatever an editor hides or turns around.
func quotedScalar(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			fmt.Fprintf(&b, "\\U%08x", r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// shellWords writes a command for a person to paste.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./=:@,+", r))
		}) {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
