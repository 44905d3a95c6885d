package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	ostiary "github.com/ostiary/ostiary"
)

// wildcard is the one extension to RFC 6901: a whole token "*" stands for every
// element of an array or every member of an object.
const wildcard = "*"

// parsePointer splits a JSON pointer (RFC 6901) into its unescaped tokens.
func parsePointer(p string) ([]string, error) {
	if p == "" {
		return nil, nil
	}
	if p[0] != '/' {
		return nil, fmt.Errorf("%q is no JSON pointer: write %q", p, "/"+p)
	}
	tokens := strings.Split(p[1:], "/")
	for i, t := range tokens {
		for j := 0; j < len(t); j++ {
			if t[j] == '~' && (j+1 == len(t) || t[j+1] != '0' && t[j+1] != '1') {
				return nil, fmt.Errorf("%q is no JSON pointer: \"~\" is written ~0 and \"/\" is written ~1", p)
			}
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

func escapeToken(t string) string {
	return strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1")
}

// place names a pointer for people.
func place(p string) string {
	if p == "" {
		return "the arguments"
	}
	return "argument " + p
}

// visit calls fn for every value that the tokens lead to, in a stable order,
// and stops at the first error. at is the pointer of the value, wildcards
// resolved. A place that is absent is an error unless optional.
func visit(v any, tokens []string, at string, optional bool, fn func(v any, at string) error) error {
	if len(tokens) == 0 {
		return fn(v, at)
	}
	t, rest := tokens[0], tokens[1:]
	switch v := v.(type) {
	case map[string]any:
		if t == wildcard {
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				if err := visit(v[k], rest, at+"/"+escapeToken(k), optional, fn); err != nil {
					return err
				}
			}
			return nil
		}
		if member, ok := v[t]; ok {
			return visit(member, rest, at+"/"+escapeToken(t), optional, fn)
		}
		for k := range v { // an upstream may take it for the one that is missing
			if strings.EqualFold(k, t) {
				return twinError(at+"/"+escapeToken(k), t)
			}
		}
	case []any:
		if t == wildcard {
			for i, e := range v {
				if err := visit(e, rest, at+"/"+strconv.Itoa(i), optional, fn); err != nil {
					return err
				}
			}
			return nil
		}
		i, err := strconv.Atoi(t)
		if err != nil || strconv.Itoa(i) != t || i < 0 {
			return &ostiary.Error{Code: ostiary.CodeValidateType,
				Message: place(at) + " is an array, and the rule for this tool expects an object there"}
		}
		if i < len(v) {
			return visit(v[i], rest, at+"/"+t, optional, fn)
		}
	case nil:
		// No arguments at all are an empty object.
		if at != "" {
			return wrongContainer(at, t)
		}
	default:
		return wrongContainer(at, t)
	}
	if optional {
		return nil
	}
	missing := at + "/" + escapeToken(t)
	return &ostiary.Error{Code: ostiary.CodeValidateMissing,
		Message: place(missing) + " is missing, and the rule for this tool needs it: add it"}
}

func wrongContainer(at, token string) error {
	want := "an object"
	if token == wildcard {
		want = "an array or an object"
	}
	return &ostiary.Error{Code: ostiary.CodeValidateType, Message: place(at) + " must be " + want}
}
