package policy

import (
	"fmt"
	"strings"

	"github.com/ostiary/ostiary"
)

// scopes refuses a call whose principal lacks scopes, with the line that would
// give them: all that are missing are named at once.
func (g gate) scopes(c *ostiary.Call, missing []string) ostiary.Decision {
	list := strings.Join(missing, ", ")
	reason := fmt.Sprintf("%s lacks %s for %s (%s)", c.Principal.ID, list, c.Rule.Pattern, c.Rule.Source)
	noun := "scope"
	if len(missing) > 1 {
		noun = "scopes"
	}
	next := fmt.Sprintf("reconnect with %s, or ask the operator, who gives %s to %s", it(missing), it(missing), scalar(c.Principal.ID))
	if g.named == nil || g.named[c.Principal.ID] {
		next = fmt.Sprintf("add %s to principals.%s.scopes, or reconnect with %s", it(missing), scalar(c.Principal.ID), it(missing))
	}
	if user := g.principalHint; user != "" {
		quotedScopes := make([]string, len(missing))
		for i, s := range missing {
			quotedScopes[i] = yamlScope(s)
		}
		next = fmt.Sprintf("the configuration names no principals; the operator adds: principals: {%s: {user: %s, scopes: [%s]}}",
			scalar(user), scalar(user), strings.Join(quotedScopes, ", "))
	}
	return refused(ostiary.CodePolicyScope, reason, fmt.Sprintf("missing %s %s: %s", noun, list, next))
}

func it(missing []string) string {
	if len(missing) == 1 {
		return "it"
	}
	return "them"
}

// yamlScope leaves "fs:read" plain: a colon without a space is no mapping.
func yamlScope(s string) string {
	if scalar(strings.ReplaceAll(s, ":", ".")) == strings.ReplaceAll(s, ":", ".") && !strings.HasSuffix(s, ":") {
		return s
	}
	return fmt.Sprintf("%q", s)
}
