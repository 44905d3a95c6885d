package validate

import (
	"context"

	ostiary "github.com/ostiary/ostiary"
)

type gate struct{}

var _ ostiary.Rechecker = gate{}

// Gate returns the gate that runs the checks of the call's rule, in order; the
// first error denies. It keeps no state and may be used by many goroutines.
func Gate() ostiary.Gate { return gate{} }

// Name implements ostiary.Gate.
func (gate) Name() string { return "validate" }

// Check implements ostiary.Gate. A call without a rule, or a check that cannot
// run, is denied.
func (gate) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	if c.Rule == nil {
		return ostiary.Decision{}, &ostiary.Error{
			Code:    ostiary.CodePolicyRule,
			Message: "no rule speaks for this call, so its arguments cannot be judged",
		}
	}
	for i := range c.Rule.Checks {
		check := &c.Rule.Checks[i]
		if check.Run == nil {
			return ostiary.Decision{}, &ostiary.Error{
				Code:    ostiary.CodePolicyRule,
				Message: "a check of the rule for this tool cannot run; the operator must look at the rule",
				Reason:  "check " + check.Kind + " at " + place(check.Pointer) + " has no Run",
			}
		}
		if err := check.Run(ctx, c); err != nil {
			return ostiary.Decision{}, err
		}
	}
	return ostiary.Allowed(), nil
}

// Recheck implements ostiary.Rechecker: where a path leads may change while a
// call waits.
func (g gate) Recheck(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	return g.Check(ctx, c)
}
