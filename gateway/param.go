package gateway

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// parameter is an argument that the header repeats in a field of its own, so that
// what sits between can route by it (MCP 2026-07-28, transports, custom headers
// from tool parameters).
type parameter struct {
	field string   // canonical
	path  []string // from the arguments
}

// parametersOf are those that a tool's schema names by x-mcp-header. Only what is
// reached through properties alone counts; what the revision calls invalid (no
// token, no primitive type, one name twice) names nothing.
func parametersOf(schema any) []parameter {
	var found []parameter
	seen := map[string]int{}
	walkParameters(schema, nil, func(p parameter) {
		found = append(found, p)
		seen[p.field]++
	})
	return slices.DeleteFunc(found, func(p parameter) bool { return seen[p.field] > 1 })
}

func walkParameters(schema any, path []string, found func(parameter)) {
	of, _ := schema.(map[string]any)
	properties, _ := of["properties"].(map[string]any)
	for name, p := range properties {
		property, _ := p.(map[string]any)
		at := append(slices.Clone(path), name)
		if field := text(property, "x-mcp-header"); isToken(field) && isPrimitive(text(property, "type")) {
			found(parameter{field: http.CanonicalHeaderKey(prefixParam + field), path: at})
		}
		walkParameters(property, at, found)
	}
}

func isPrimitive(kind string) bool {
	switch kind {
	case "string", "integer", "number", "boolean":
		return true
	}
	return false
}

// isToken reports whether a name can be part of that of a header field (RFC 9110,
// section 5.6.2).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		alnum := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// value is what the arguments say of the parameter: present unless it is absent
// or null, and as its field says it unless it is no primitive.
func (p parameter) value(arguments []byte) (text string, primitive, present bool) {
	raw := arguments
	for _, name := range p.path {
		var ok bool
		if raw, ok = wire.Member(raw, name); !ok {
			return "", false, false
		}
	}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", false, false
	case raw[0] == '"':
		return stringOf(raw), true, true
	case raw[0] == '{' || raw[0] == '[':
		return "", false, true
	}
	if n, ok := integer(string(raw)); ok {
		return strconv.FormatInt(n, 10), true, true
	}
	return string(raw), true, true
}

// integer reads a number that doubles keep exactly, in any way of writing it.
func integer(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53-1 {
		return 0, false
	}
	return int64(f), true
}

// checkParameters reports whether the header repeats the arguments as they are.
func checkParameters(h http.Header, of []parameter, arguments []byte) error {
	for _, p := range of {
		want, primitive, present := p.value(arguments)
		values := h[p.field]
		switch {
		case len(values) == 0 && (!present || !primitive):
			continue // one that is no primitive is the schema's matter
		case !present || !primitive:
			return &ostiary.Error{Code: ostiary.CodeWireHeader,
				Message: fmt.Sprintf("the header field %s speaks of an argument that the body does not have: send the same in both", p.field)}
		}
		if n, ok := integer(want); ok && len(values) == 1 {
			if got, ok := integer(values[0]); ok && got == n {
				continue
			}
		}
		if err := matchField(h, p.field, want, true); err != nil {
			return err
		}
	}
	return nil
}

// setParameters repeats the arguments in the header.
func setParameters(h http.Header, of []parameter, arguments []byte) {
	for _, p := range of {
		if text, primitive, present := p.value(arguments); present && primitive {
			h.Set(p.field, headerText(text))
		}
	}
}
