package policy

import (
	"fmt"

	"cel.dev/cel-go/common/types"

	"github.com/ostiary/ostiary"
)

// consent puts into a rule what its row says about answers in place of a person,
// previews and repetitions. An argument that the tool does not have, or of
// another type, is an error: a dry run that the tool does not know would run.
func (c *compiler) consent(rule *ostiary.Rule, row *Row, t ostiary.Tool) (err error) {
	rule.Approve.Channels = row.Channels
	rule.Anomaly, rule.Output = row.Anomaly, row.Output
	rule.Grant, rule.Rewrite, rule.Idempotency = row.Grant, row.Rewrite, row.Idempotency
	args := c.argTypes(t)
	if name := row.Rewrite.DryRun; name != "" {
		if err := args.must(name, types.BoolType, "dry_run", "a boolean argument for a dry run"); err != nil {
			return err
		}
	}
	if name := row.Idempotency.Argument; name != "" {
		if err := args.must(name, types.StringType, "idempotency", "a text argument for the key"); err != nil {
			return err
		}
	}
	for _, name := range row.PreviewArgs {
		if err := args.must(name, types.StringType, "preview", "a text argument of that name"); err != nil {
			return err
		}
	}
	if row.Preview != nil {
		if rule.Preview, err = row.Preview(t); err != nil {
			return fmt.Errorf("preview: %w", err)
		}
	}
	return nil
}

// must says that the schema has to declare an argument of this type.
func (a *argTypes) must(name string, want *types.Type, key, what string) error {
	f := a.fields[name]
	switch {
	case f == nil:
		return fmt.Errorf("%s: the tool's schema has no argument %s%s: name %s", key, quoted(name), didYouMean(name, a.names), what)
	case !f.Type.IsExactType(want):
		return fmt.Errorf("%s: the argument %s is no %s in the tool's schema: name %s", key, quoted(name), want.TypeName(), what)
	}
	return nil
}
