package validate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	ostiary "github.com/ostiary/ostiary"
)

// Range bounds a number, both ends included. The bounds are decimal numbers as
// JSON writes them and are compared exactly; an empty one does not bound.
type Range struct {
	Min, Max string
}

func (r *Range) compile(Options) (judge, error) {
	if r.Min == "" && r.Max == "" {
		return nil, errors.New("neither min nor max is given")
	}
	var low, high decimal
	var ok bool
	if low, ok = parseDecimal(r.Min); r.Min != "" && !ok {
		return nil, fmt.Errorf("min %q is not a decimal number", r.Min)
	}
	if high, ok = parseDecimal(r.Max); r.Max != "" && !ok {
		return nil, fmt.Errorf("max %q is not a decimal number", r.Max)
	}
	if r.Min != "" && r.Max != "" && low.compare(high) > 0 {
		return nil, fmt.Errorf("min %s is greater than max %s", r.Min, r.Max)
	}
	return func(_ context.Context, v any) error {
		n, ok := v.(json.Number)
		if !ok {
			return wrongType("a number", v)
		}
		d, ok := parseDecimal(string(n))
		switch {
		case !ok:
			return &ostiary.Error{Code: ostiary.CodeValidateRange, Message: "must be a plain decimal number"}
		case r.Min != "" && d.compare(low) < 0:
			return &ostiary.Error{Code: ostiary.CodeValidateRange, Message: "must be at least " + r.Min}
		case r.Max != "" && d.compare(high) > 0:
			return &ostiary.Error{Code: ostiary.CodeValidateRange, Message: "must be at most " + r.Max}
		}
		return nil
	}, nil
}
