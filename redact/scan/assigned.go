package scan

import "strings"

// Assigned reports whether value is a secret because of the key that it stands
// under, and the rule that says so. The two stand apart, as members of JSON
// objects do; what value alone tells is for Find.
func (e *Engine) Assigned(key, value string) (rule string, ok bool) {
	if e.auto.find(nil, key, 0) == nil {
		return "", false
	}
	var b strings.Builder
	b.WriteString(key)
	b.WriteString(`": "`)
	from := b.Len()
	b.WriteString(value)
	to := b.Len()
	b.WriteByte('"')
	for _, f := range e.Find(nil, b.String()) {
		if f.Start < to && f.End > from {
			return f.Rule, true
		}
	}
	return "", false
}
