package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	ostiary "github.com/ostiary/ostiary"
)

// enum lists the allowed values. Numbers are equal if they are the same decimal
// number; strings are compared byte by byte, objects member by member.
type enum []any

func (e enum) compile(Options) (judge, error) {
	if len(e) == 0 {
		return nil, errors.New("the list is empty, so no call could pass")
	}
	// Through JSON once, so that the numbers of any Go type become literals.
	b, err := json.Marshal([]any(e))
	if err != nil {
		return nil, fmt.Errorf("a value cannot be written as JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var allowed []any
	if err := d.Decode(&allowed); err != nil {
		return nil, err
	}
	message := "must be one of " + listValues(allowed)
	return func(_ context.Context, v any) error {
		for _, a := range allowed {
			if equal(a, v) {
				return nil
			}
		}
		return &ostiary.Error{Code: ostiary.CodeValidateEnum, Message: message}
	}, nil
}

// equal compares decoded values without loss.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, okX := parseDecimal(string(a))
		y, okY := parseDecimal(string(b))
		return okX && okY && x.compare(y) == 0
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			w, ok := b[k]
			if !ok || !equal(v, w) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}
