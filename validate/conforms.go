package validate

import (
	"context"

	"github.com/ostiary/ostiary/wire"
)

// Conforms reports whether a JSON value fits a JSON Schema, as [Schema] reads both.
// What cannot be judged does not.
func Conforms(schema, value []byte) bool {
	s, err := compileSchema(schema)
	if err != nil {
		return false
	}
	v, err := wire.Decode(value)
	return err == nil && s.check(context.Background(), v) == nil
}
