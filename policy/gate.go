package policy

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary"
)

// stage is the gate's name in decisions and records.
const stage = "policy"

// Gate returns the gate that reads a call's rule: what the rule forbids, who
// calls, deny rows, scopes, the condition, then the question. It keeps no state
// and is safe for use by many goroutines.
func (p *Policy) Gate() ostiary.Gate {
	return gate{principalHint: p.options.PrincipalHint, named: p.options.Named}
}

type gate struct {
	principalHint string
	named         map[string]bool
}

var _ ostiary.Rechecker = gate{}

// Name implements ostiary.Gate.
func (gate) Name() string { return stage }

// Check implements ostiary.Gate.
func (g gate) Check(ctx context.Context, c *ostiary.Call) (d ostiary.Decision, err error) {
	defer func() {
		if r := recover(); r != nil {
			d = ostiary.Refused(stage, &ostiary.Error{
				Code: ostiary.CodePanic, Reason: "a check of the policy panicked",
				Message: "the door could not judge this call and refused it; the operator finds the call in the audit log",
			})
			err = nil
		}
	}()
	rule := c.Rule
	switch {
	case rule == nil:
		return refused(ostiary.CodePolicyRule, "the call carries no rule", "no rule speaks for this call, so it is refused; the operator runs ostiary policy explain"), nil
	case rule.Forbid != nil:
		return ostiary.Refused(stage, rule.Forbid), nil
	case rule.Effect == ostiary.EffectUnknown || c.Effect == ostiary.EffectUnknown:
		return refused(ostiary.CodePolicyRule, "the rule or the call states no effect", "what this call does is not known, so it is refused; the operator runs ostiary policy explain"), nil
	case c.Principal.IsNobody():
		return refused(ostiary.CodeAuthNobody, "nobody was identified", "the door does not know who calls, so nothing is allowed: sign in, or start the door as a user of the system"), nil
	}
	if d, denied := deny(ctx, c); denied {
		return d, nil
	}
	if missing := c.Principal.MissingScopes(rule.Scopes); len(missing) > 0 {
		return g.scopes(c, missing), nil
	}
	if d, denied := when(ctx, c); denied {
		return d, nil
	}
	if rule.Ask != "" && !c.DryRun {
		return ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired, Stage: stage, Reason: rule.Ask, Message: rule.AskNext}, nil
	}
	return ostiary.Decision{Verdict: ostiary.Allow, Stage: stage}, nil
}

// Recheck implements ostiary.Rechecker: deny rows and conditions can look at the
// world, as at where a path leads. What the rule asks was asked before.
func (g gate) Recheck(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	d, err := g.Check(ctx, c)
	if d.Verdict == ostiary.Ask {
		return ostiary.Allowed(), err
	}
	return d, err
}

func refused(code ostiary.Code, reason, message string) ostiary.Decision {
	return ostiary.Decision{Verdict: ostiary.Deny, Code: code, Stage: stage, Reason: reason, Message: message}
}

// holds asks a condition; one that is missing its function fails.
func holds(ctx context.Context, condition *ostiary.Condition, c *ostiary.Call) (ok bool, err error) {
	defer func() {
		if recover() != nil {
			ok, err = false, errPanic
		}
	}()
	if condition.Holds == nil {
		return false, errNoBool
	}
	return condition.Holds(ctx, c)
}

// deny looks at the deny rows; one that cannot be judged denies.
func deny(ctx context.Context, c *ostiary.Call) (ostiary.Decision, bool) {
	for i := range c.Rule.Deny {
		row := &c.Rule.Deny[i]
		held, err := holds(ctx, row, c)
		if err == nil && !held {
			continue
		}
		reason := fmt.Sprintf("deny row %s: %s", row.Source, row.Reason)
		message := fmt.Sprintf("the operator's policy forbids this call to %s with these arguments. Writing the same differently will not help: leave it, or ask the operator", quoted(place(c)))
		if err != nil {
			reason = fmt.Sprintf("deny row %s cannot be judged: %v", row.Source, err)
			message = fmt.Sprintf("a deny row of the operator could not be judged for this call to %s, so it is refused: check the arguments against the tool's schema, or ask the operator", quoted(place(c)))
		}
		return refused(ostiary.CodePolicyDeny, reason, message), true
	}
	return ostiary.Decision{}, false
}

func place(c *ostiary.Call) string {
	if c.Target != "" {
		return c.Upstream + "/" + c.Target
	}
	return c.Upstream + "/" + c.Method
}

// when looks at the rule's condition. The message shows its text, no values.
func when(ctx context.Context, c *ostiary.Call) (ostiary.Decision, bool) {
	condition := c.Rule.When
	if condition == nil {
		return ostiary.Decision{}, false
	}
	held, err := holds(ctx, condition, c)
	switch {
	case err != nil:
		return refused(ostiary.CodePolicyWhen,
			fmt.Sprintf("the condition of %s (%s) failed: %v", c.Rule.Pattern, c.Rule.Source, err),
			fmt.Sprintf("%s is allowed only when %s, and that could not be judged for these arguments: give every argument that it names, of the type in the tool's schema", quoted(place(c)), condition.Source)), true
	case !held:
		return refused(ostiary.CodePolicyWhen,
			fmt.Sprintf("the condition of %s (%s) is false: %s", c.Rule.Pattern, c.Rule.Source, condition.Source),
			fmt.Sprintf("%s is allowed only when %s: change the arguments so that it holds, or ask the operator", quoted(place(c)), condition.Source)), true
	}
	return ostiary.Decision{}, false
}
