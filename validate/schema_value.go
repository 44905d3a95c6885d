package validate

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// The library formats a value that fails into its error, once for each branch
// and level. These types keep that text short; they change nothing else.
type (
	object map[string]any
	array  []any
)

var (
	_ fmt.Formatter = object(nil)
	_ fmt.Formatter = array(nil)
)

// Format implements fmt.Formatter.
func (object) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "{…}") }

// Format implements fmt.Formatter.
func (array) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[…]") }

// forLibrary copies a decoded value into the types that the library knows. An
// integer stays exact up to 64 bits. A number that no float64 can come near is
// refused: the upstream could read it as anything.
func forLibrary(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return number(v)
	case map[string]any:
		o := make(object, len(v))
		for k, e := range v {
			c, err := forLibrary(e)
			if err != nil {
				return nil, err
			}
			o[k] = c
		}
		return o, nil
	case []any:
		a := make(array, len(v))
		for i, e := range v {
			c, err := forLibrary(e)
			if err != nil {
				return nil, err
			}
			a[i] = c
		}
		return a, nil
	case string, bool, nil:
		return v, nil
	}
	return nil, schemaError("the arguments hold a value of a kind that JSON does not know")
}

func number(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, nil
	}
	if u, err := strconv.ParseUint(string(n), 10, 64); err == nil {
		return u, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, schemaError("a number in the arguments is too large to check: send one below 1e308")
	}
	return f, nil
}
