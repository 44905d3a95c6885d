package policy

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/ostiary/ostiary"
)

// Errors of evaluation. None holds a value of the call.
var (
	errAbsent   = errors.New("an argument that it reads is absent (write has(call.args.x) && … where it may be)")
	errMistyped = errors.New("an argument is of another type than the tool's schema says")
	errInexact  = errors.New("a number is too large or has too many digits to be compared exactly")
	errArgs     = errors.New("the arguments are no object")
)

// asType gives a decoded argument the type that its schema states, or fails: the
// schema is checked by a later gate, so nothing has been proved yet.
func asType(v any, t *types.Type) (any, error) {
	var fits bool
	switch t.Kind() {
	case types.StringKind:
		_, fits = v.(string)
	case types.BoolKind:
		_, fits = v.(bool)
	case types.ListKind:
		_, fits = v.([]any)
	case types.MapKind:
		_, fits = v.(map[string]any)
	case types.IntKind:
		if n, ok := v.(json.Number); ok {
			return exactInt(string(n))
		}
	case types.DoubleKind:
		if n, ok := v.(json.Number); ok {
			return exactDouble(string(n))
		}
	default:
		return v, nil
	}
	if !fits {
		return nil, errMistyped
	}
	return v, nil
}

// exactLimit is the first power of two behind which doubles have gaps.
const exactLimit = 1 << 53

func exactInt(n string) (any, error) {
	if i, err := strconv.ParseInt(n, 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(n, 64) // 1.0 and 1e3 are integers too
	if err != nil || math.Abs(f) >= exactLimit {
		return nil, errInexact
	}
	if f != math.Trunc(f) {
		return nil, errMistyped
	}
	return int64(f), nil
}

// exactDouble refuses a literal that a double cannot tell from its neighbour as
// written: what a condition compares must be what the upstream reads.
func exactDouble(n string) (any, error) {
	f, err := strconv.ParseFloat(n, 64)
	if err != nil || math.Abs(f) >= exactLimit || digits(n) > 17 {
		if i, intErr := strconv.ParseInt(n, 10, 64); intErr == nil && err == nil && f < math.MaxInt64 && int64(f) == i {
			return f, nil
		}
		return nil, errInexact
	}
	return f, nil
}

func digits(n string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(n), "e")
	count := 0
	for _, r := range mantissa {
		if r >= '0' && r <= '9' && (count > 0 || r != '0') {
			count++
		}
	}
	return count
}

// adapter turns decoded JSON into CEL values when, and only when, an expression
// reaches them.
type adapter struct{ types.Adapter }

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case string:
		return types.String(v)
	case bool:
		return types.Bool(v)
	case int64:
		return types.Int(v)
	case float64:
		return types.Double(v)
	case nil:
		return types.NullValue
	case ref.Val:
		return v
	case json.Number:
		return number(string(v))
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	case []string:
		return types.NewStringList(a, v)
	case *ostiary.Call:
		return types.NewErr("call and principal are no values of their own: name one of their fields")
	}
	return a.Adapter.NativeToValue(value)
}

// number is an argument whose schema states no type.
func number(n string) ref.Val {
	v, err := exactInt(n)
	if strings.ContainsAny(n, ".eE") {
		v, err = exactDouble(n)
	}
	if err != nil {
		return types.WrapErr(err)
	}
	if i, ok := v.(int64); ok {
		return types.Int(i)
	}
	return types.Double(v.(float64))
}
