package validate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	ostiary "github.com/ostiary/ostiary"
)

// maxBytes bounds a string's UTF-8 bytes, or the compact JSON text of another
// value.
type maxBytes int

func (m maxBytes) compile(Options) (judge, error) {
	if m <= 0 {
		return nil, errors.New("must be greater than 0")
	}
	return func(_ context.Context, v any) error {
		n, err := jsonBytes(v)
		if err != nil {
			return err
		}
		if n > int(m) {
			return &ostiary.Error{Code: ostiary.CodeValidateMaxBytes,
				Message: fmt.Sprintf("is %d bytes long, and at most %d are allowed: send less", n, int(m))}
		}
		return nil
	}, nil
}

func jsonBytes(v any) (int, error) {
	if s, ok := v.(string); ok {
		return len(s), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("measure a value: %w", err)
	}
	return len(b), nil
}
