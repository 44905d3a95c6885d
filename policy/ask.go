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
	case row.Approve:
		rule.Ask, rule.AskNext = asksAlways(row, target)
	case effect.Asks() && !row.Unapproved && raised != "":
		rule.Ask = fmt.Sprintf("%s (%s)", why, row.Source)
		rule.AskNext = fmt.Sprintf("a person must approve %s: %s. To allow it all the same the operator adds to the rule %s: dangerously_unapproved: true",
			quoted(target), why, row.Pattern)
	case effect.Asks() && !row.Unapproved && row.Effect == ostiary.EffectUnknown:
		rule.Ask = fmt.Sprintf("the rule %s (%s) names no effect and %s", row.Pattern, row.Source, why)
		rule.AskNext = fmt.Sprintf("a person must approve %s: the rule %s names no effect and %s. To allow it the operator adds to the rule: %s",
			quoted(target), row.Pattern, why, strings.Join(suggested(t), ", "))
	case effect.Asks() && !row.Unapproved:
		rule.Ask, rule.AskNext = asksForEffect(row, effect, target)
	}
	return rule
}

func asksAlways(row *Row, target string) (ask, next string) {
	return fmt.Sprintf("the rule %s (%s) has approve", row.Pattern, row.Source),
		fmt.Sprintf("a person must approve %s: the rule %s says so for every call. Ask the operator to approve it or to do it", quoted(target), row.Pattern)
}

func asksForEffect(row *Row, effect ostiary.Effect, target string) (ask, next string) {
	return fmt.Sprintf("the rule %s (%s) says %s", row.Pattern, row.Source, effect),
		fmt.Sprintf("a person must approve %s: its effect is %s. To let it pass without a person the operator adds to the rule %s: dangerously_unapproved: true",
			quoted(target), effect, row.Pattern)
}

// suggestion is the rule that would let a tool pass, ready to paste.
func suggestion(t ostiary.Tool, target string) string {
	if strings.Contains(target, "*") || strings.ContainsFunc(target, isControl) {
		return "Its name cannot be written as a pattern: rename the tool in the server"
	}
	return fmt.Sprintf("To allow it the operator adds to the policy: rules: [{tool: %s, %s}]", scalar(target), strings.Join(suggested(t), ", "))
}

// suggested is what a row must say for the tool to pass. The effect is the best
// guess from the tool's own words, never a read; the operator decides.
func suggested(t ostiary.Tool) []string {
	effect, why := contradiction(t)
	if why == "" || effect == ostiary.EffectRead {
		effect = ostiary.EffectWrite
	}
	resulting, _, _ := effectOf(&Row{Effect: effect}, t)
	if !resulting.Asks() {
		return []string{"effect: " + effect.String()}
	}
	return []string{"effect: " + resulting.String(), "dangerously_unapproved: true"}
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
