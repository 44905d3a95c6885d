package policy

import (
	"fmt"
	"strings"

	"github.com/ostiary/ostiary"
)

// judged makes the rule of a tool under a row, nil for none, as far as effect,
// world and question go.
func judged(row *Row, t ostiary.Tool, upstream string) *ostiary.Rule {
	effect, why, raised := effectOf(row, t)
	rule := &ostiary.Rule{Effect: effect, EffectWhy: why}
	target := upstream + "/" + t.Name
	if row == nil {
		if effect.Asks() {
			rule.Ask = fmt.Sprintf("no rule speaks for %s and %s", quoted(target), why)
			rule.AskNext = fmt.Sprintf("a person must approve %s: no rule speaks for it and %s. %s", quoted(target), why, suggestion(t, target))
		}
		return rule
	}
	rule.Pattern, rule.Source, rule.Closed = row.Pattern, row.Source, row.Closed
	switch {
	case row.Approve, row.Grant.Only:
		rule.Ask, rule.AskNext = asksAlways(row, target)
	case effect.Asks() && !row.Unapproved && raised != "":
		rule.Ask = fmt.Sprintf("%s (%s)", why, row.Source)
		rule.AskNext = fmt.Sprintf("a person must approve %s: %s", quoted(target), why)
	case effect.Asks() && !row.Unapproved && row.Effect == ostiary.EffectUnknown:
		rule.Ask = fmt.Sprintf("the rule %s (%s) names no effect and %s", row.Pattern, row.Source, why)
		rule.AskNext = fmt.Sprintf("a person must approve %s: the rule %s names no effect and %s. The operator adds to the rule: effect: %s",
			quoted(target), row.Pattern, why, guess(t))
	case effect.Asks() && !row.Unapproved:
		rule.Ask, rule.AskNext = asksForEffect(row, effect, target)
	}
	return rule
}

func asksAlways(row *Row, target string) (ask, next string) {
	says := "approve"
	if row.Grant.Only {
		says = "grant: {only: true}"
	}
	return fmt.Sprintf("the rule %s (%s) has %s", row.Pattern, row.Source, says),
		fmt.Sprintf("a person must approve %s: the rule %s says so for every call. Ask the operator to approve it or to do it", quoted(target), row.Pattern)
}

func asksForEffect(row *Row, effect ostiary.Effect, target string) (ask, next string) {
	return fmt.Sprintf("the rule %s (%s) says %s", row.Pattern, row.Source, effect),
		fmt.Sprintf("a person must approve %s: its effect is %s", quoted(target), effect)
}

// suggestion is the rule for a tool that has none, ready to paste. It allows
// nothing that a person should see: a tool that asks asks on under it.
func suggestion(t ostiary.Tool, target string) string {
	if strings.Contains(target, "*") || strings.ContainsFunc(target, isControl) {
		return "Its name cannot be written as a pattern: rename the tool in the server"
	}
	return fmt.Sprintf("The operator says for good what it does with: rules: [{tool: %s, effect: %s}]", scalar(target), guess(t))
}

// guess is the effect that the tool's own words make likely, never a read; the
// operator decides.
func guess(t ostiary.Tool) ostiary.Effect {
	effect, why := contradiction(t)
	if why == "" || effect == ostiary.EffectRead {
		effect = ostiary.EffectWrite
	}
	resulting, _, _ := effectOf(&Row{Effect: effect}, t)
	return resulting
}

// scalar writes a text as a YAML scalar that is safe inside braces.
func scalar(s string) string {
	plain := !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./", r))
	})
	word := strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off":
		word = false // YAML would read something else than a text
	}
	if plain && word && s[0] != '-' {
		return s
	}
	return fmt.Sprintf("%q", s)
}
