package validate

import (
	"encoding/json"
	"strings"
)

// types is a set of JSON types; 0 means that nothing is known.
type types uint8

const (
	typeString types = 1 << iota
	typeNumber
	typeInteger
	typeBoolean
	typeArray
	typeObject
	typeNull
)

var typeWords = [...]string{"string", "number", "integer", "boolean", "array", "object", "null"}

func (t types) String() string {
	var words []string
	for i, w := range typeWords {
		if t&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, " or ")
}

func typeOf(word string) types {
	for i, w := range typeWords {
		if w == word {
			return 1 << i
		}
	}
	return 0
}

// typeName says what a decoded value is.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case json.Number, int64, uint64, float64:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case nil:
		return "null"
	}
	return "unknown"
}
