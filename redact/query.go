package redact

import (
	"net/url"
	"strings"
)

// queryValues adds the values of parameters in the query or the fragment of a URL
// (RFC 3986, sections 3.4 and 3.5) whose name is a secret's. begin is what the part
// begins with: "?" or "#".
func (r *Redactor) queryValues(spans []span, s string, begin byte) []span {
	for i := 0; ; {
		next := strings.IndexByte(s[i:], begin)
		if next < 0 {
			return spans
		}
		i += next + 1
		for more := true; more; {
			end := i
			for end < len(s) && !endsParameter(s[end]) {
				end++
			}
			more = end < len(s) && strings.IndexByte("&;?#", s[end]) >= 0
			name, value, _ := strings.Cut(s[i:end], "=")
			if value != "" && !isMarker(value) && r.names.secret(plainName(name)) && (!r.strict() || inert(value)) {
				spans = append(spans, span{end - len(value), end, ruleKey})
			}
			i = end
			if more {
				i++
			}
		}
	}
}

// endsParameter reports the separators, and what no URL holds.
func endsParameter(c byte) bool { return c <= ' ' || strings.IndexByte("&;?#\"<>\\`", c) >= 0 }

func plainName(name string) string {
	if strings.IndexByte(name, '%') >= 0 {
		if plain, err := url.QueryUnescape(name); err == nil {
			return plain
		}
	}
	return name
}

// isMarker reports whether the whole value was replaced already.
func isMarker(value string) bool {
	if !strings.HasPrefix(value, "[REDACTED:") {
		return false
	}
	for _, rule := range rules() {
		if value == marker(rule) {
			return true
		}
	}
	return false
}
