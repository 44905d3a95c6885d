package validate

import (
	"context"
	"fmt"
	"regexp"

	ostiary "github.com/ostiary/ostiary"
)

// pattern is an RE2 expression that must match the whole string; it takes time
// in proportion to the string whatever it says.
type pattern string

func (p pattern) compile(Options) (judge, error) {
	if _, err := regexp.Compile(string(p)); err != nil {
		return nil, fmt.Errorf("%w (the syntax is RE2; it has no lookahead and no backreference)", err)
	}
	re, err := regexp.Compile(`\A(?:` + string(p) + `)\z`)
	if err != nil {
		return nil, err
	}
	message := "the whole text must match the pattern " + clip(string(p), 120)
	return func(_ context.Context, v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType("a string", v)
		}
		if !re.MatchString(s) {
			return &ostiary.Error{Code: ostiary.CodeValidatePattern, Message: message}
		}
		return nil
	}, nil
}
