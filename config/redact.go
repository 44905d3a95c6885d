package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Redact says what becomes of secrets and personal data in what comes back. What
// it leaves out is redacted.
type Redact struct {
	// Rules are those whose findings are not just redacted.
	Rules []RedactRule
	// Custom are the operator's own rules.
	Custom []CustomRule
	// Personal are the kinds of personal data that are looked for.
	Personal []string
	// MaxResult is the most bytes of one result.
	MaxResult int
	// Off are the rules that find nothing (dangerously_unredacted); "*" is all of them.
	Off []RedactRule
}

// AllOff reports whether no rule finds anything.
func (r *Redact) AllOff() bool { return slices.ContainsFunc(r.Off, isEvery) }

func isEvery(r RedactRule) bool { return r.ID == everyRule }

// RedactRule is one rule and what is done with what it finds: redact, block or
// report; empty is what the rule says by itself.
type RedactRule struct {
	Pos
	ID, Mode string
}

// CustomRule finds a secret that only the operator knows the shape of.
type CustomRule struct {
	Pos
	ID, Description, Regex, Mode string
	// Keywords are texts of which one stands in whatever the rule finds, in any
	// case. Entropy is the least that a finding has, in bits a character. Group is
	// the part of the expression that is the secret; 0 is the first group, or the
	// whole where there is none.
	Keywords []string
	Entropy  float64
	Group    int
}

// everyRule stands for all of them.
const everyRule = "*"

var ruleID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

func redactModes() []string { return []string{"redact", "block", "report"} }

func personalKinds() []string { return []string{"email", "phone", "card", "iban", "national-id", "ip"} }

func redactKind() kind[Redact] {
	return object("redact", nil, checkRedact,
		key("rules", named("the id of a rule", redactMode(), redactRuleName), func(r *Redact) *[]RedactRule { return &r.Rules },
			"What is done with what a rule finds, where that is not to be just redacted: `block` keeps the whole result back, `report` lets it pass and records it. Default: `redact` for all."),
		key("custom", list(customKind(), true), func(r *Redact) *[]CustomRule { return &r.Custom },
			"Rules of your own."),
		key("personal", list(word(personalKinds()...), false), func(r *Redact) *[]string { return &r.Personal },
			"The kinds of personal data that are looked for too: `email`, `phone`, `card`, `iban`, `national-id`, `ip`. Names and addresses are not found by any. Default: none."),
		key("max_result", size(1<<10, 256<<20), func(r *Redact) *int { return &r.MaxResult },
			"The most that comes back of one result; what is over is cut, and the result says how much. Default: `1MiB`."),
		key("dangerously_unredacted", list(offRule(), false), func(r *Redact) *[]RedactRule { return &r.Off },
			"Rules that find nothing any more, by id; `\"*\"` is all of them. The door's own keys and configured credentials never come back all the same."),
	)
}

func redactMode() kind[RedactRule] {
	w := word(redactModes()...)
	return placed(kind[RedactRule]{w.shape, func(d *decoder, n ast.Node, out *RedactRule) {
		if s, ok := n.(*ast.StringNode); ok && s.Value == "off" {
			d.fail(n, "a rule is not switched off here: list its id in dangerously_unredacted, or except one place with `ostiary except`")
			return
		}
		w.decode(d, n, &out.Mode)
	}}, func(r *RedactRule) *Pos { return &r.Pos })
}

func redactRuleName(d *decoder, k ast.Node, r *RedactRule) {
	r.ID = keyText(k)
	if err := checkRuleID(r.ID); err != nil {
		d.fail(k, "%s", err)
	}
}

func checkRuleID(s string) error {
	if !ruleID.MatchString(s) {
		return fmt.Errorf("%q is no id of a rule: use small letters, digits and dashes, at most 64", brief(s))
	}
	return nil
}

func offRule() kind[RedactRule] {
	id := checked(`the id of a rule, or "*"`, "", func(s string) error {
		if s == everyRule {
			return nil
		}
		return checkRuleID(s)
	})
	return placed(kind[RedactRule]{id.shape, func(d *decoder, n ast.Node, out *RedactRule) { id.decode(d, n, &out.ID) }},
		func(r *RedactRule) *Pos { return &r.Pos })
}

func customKind() kind[CustomRule] {
	return placed(object("a rule of your own", nil, checkCustom,
		must(key("id", checked("the id of a rule", ruleID.String(), checkRuleID), func(c *CustomRule) *string { return &c.ID },
			"Its name in findings and in `[REDACTED:id]`.")),
		must(key("regex", checked("a regular expression", "", checkRegex), func(c *CustomRule) *string { return &c.Regex },
			"What it looks like, in RE2 syntax. With a group the group is the secret, else the whole is.")),
		must(key("keywords", list(keyword(), false), func(c *CustomRule) *[]string { return &c.Keywords },
			"Texts of at least 3 characters of which one stands in everything that the expression finds, in any case: only near one is it tried.")),
		key("mode", word(redactModes()...), func(c *CustomRule) *string { return &c.Mode },
			"What is done with what it finds: `redact`, `block` or `report`. Default: `redact`."),
		key("description", text("a text"), func(c *CustomRule) *string { return &c.Description },
			"What it is about, for `ostiary explain`."),
		key("entropy", entropy(), func(c *CustomRule) *float64 { return &c.Entropy },
			"How mixed the secret must be at least, in bits a character, so that placeholders are none. Default: `0`."),
		key("group", integer(0, 99), func(c *CustomRule) *int { return &c.Group },
			"Which group of the expression is the secret. Default: the first, or the whole where there is none."),
	), func(c *CustomRule) *Pos { return &c.Pos })
}

func keyword() kind[string] {
	return checked("a text of at least 3 characters", "", func(s string) error {
		if len(s) < 3 || len(s) > 64 || s != strings.TrimSpace(s) {
			return fmt.Errorf("%q is no keyword: give 3 to 64 characters without spaces at the ends", brief(s))
		}
		return nil
	})
}

// checkRegex refuses what no rule can be. The expressions run in time linear in the
// text, and so that this is not slow either, they are short.
func checkRegex(s string) error {
	const most = 1000
	if len(s) > most {
		return fmt.Errorf("the expression has %d characters, the most is %d: write several rules", len(s), most)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		why := err.Error()
		var e *syntax.Error
		if errors.As(err, &e) {
			why = fmt.Sprintf("%s: %q", e.Code, brief(e.Expr))
		}
		return fmt.Errorf("this is no expression in RE2 syntax: %s", why)
	}
	if re.MatchString("") {
		return fmt.Errorf("the expression finds the empty text, and so something everywhere: say what a secret looks like")
	}
	return nil
}

func checkCustom(d *decoder, at Pos, c *CustomRule) {
	re, err := regexp.Compile(c.Regex)
	if err == nil && c.Group > re.NumSubexp() {
		d.failAt(at, "the rule %q has group %d, and its expression has %d: count the opening brackets", c.ID, c.Group, re.NumSubexp())
	}
}

// checkRedact refuses rows that say two things about one rule.
func checkRedact(d *decoder, at Pos, r *Redact) {
	said, before := map[string]string{}, d.failed()
	for _, c := range r.Custom {
		if said[c.ID] != "" {
			d.failAt(c.Pos, "the rule %q stands twice in custom: give each an id of its own", c.ID)
		}
		said[c.ID] = "custom"
	}
	for _, rule := range r.Rules {
		if said[rule.ID] != "" {
			d.failAt(rule.Pos, "the rule %q is one of custom: write its mode there", rule.ID)
		}
		said[rule.ID] = "rules"
	}
	if r.AllOff() && len(r.Rules)+len(r.Custom) > 0 {
		d.failAt(r.Off[slices.IndexFunc(r.Off, isEvery)].Pos, "\"*\" switches all rules off, those of rules and custom too: remove one or the other")
	}
	for _, off := range r.Off {
		if word := said[off.ID]; word != "" {
			d.failAt(off.Pos, "the rule %q is in %s too: give it in one place", off.ID, word)
		}
		said[off.ID] = "dangerously_unredacted"
	}
	if d.failed() == before && len(said)+len(r.Personal) > 0 {
		checkKnown(d, at, r)
	}
}

// checkKnown refuses rules that cannot be compiled, and names of rules that are none.
func checkKnown(d *decoder, at Pos, r *Redact) {
	engine, err := r.engine()
	if err != nil {
		for _, c := range r.Custom {
			if strings.Contains(messageOf(err), strconv.Quote(c.ID)) {
				at = c.Pos
			}
		}
		d.failAt(at, "%s", messageOf(err))
		return
	}
	known := engine.Rules()
	for _, rule := range slices.Concat(r.Rules, r.Off) {
		if rule.ID == everyRule || slices.Contains(known, rule.ID) {
			continue
		}
		next := ": `ostiary explain FINDING` names the rule of a finding"
		if n := nearest(rule.ID, known); n != "" {
			next = fmt.Sprintf(": did you mean %q?", n)
		}
		d.failAt(rule.Pos, "there is no rule %q%s", rule.ID, next)
	}
}

// entropy is a number of bits a character.
func entropy() kind[float64] { return between("a number from 0 to 8", 0, 8) }
