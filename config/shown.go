package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact"
)

// keyMark stands for a value whose key names a secret.
const keyMark = "[REDACTED:key]"

// shown is a text about a call as a person sees it and the store keeps it: without
// what is masked in the arguments that are shown with it, also where a preview or a
// dry run repeats a value that only its key calls a secret.
func (m *masks) shown(c *ostiary.Call, text string) string {
	if t := strings.TrimSpace(text); t != "" && (t[0] == '{' || t[0] == '[') && json.Valid([]byte(t)) {
		text = string(m.redactor.Shown([]byte(t), m.keys.of(c.InputSchema)))
	} else {
		text = m.redactor.ShownText(text)
	}
	for _, secret := range m.secretValues(c) {
		text = strings.ReplaceAll(text, secret, keyMark)
	}
	return text
}

// secretValues are the texts in the arguments that are masked because of their
// key, line by line, since a difference shows lines, the longest first. What is
// shorter than redact.MinKnown would be found by chance.
func (m *masks) secretValues(c *ostiary.Call) []string {
	masked := m.eye(c)
	if bytes.Equal(masked, c.Arguments) {
		return nil
	}
	var with any
	if err := json.Unmarshal(masked, &with); err != nil {
		return nil // nothing of it is shown either
	}
	var found []string
	differing(c.Args, with, func(secret string) {
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= redact.MinKnown {
				found = append(found, line)
			}
		}
	})
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return found
}

// differing calls f with each text or number of a value in whose place another one
// has the mark of a key that names a secret.
func differing(v, masked any, f func(string)) {
	switch v := v.(type) {
	case string:
		if masked == keyMark {
			f(v)
		}
	case json.Number:
		if masked == keyMark {
			f(v.String())
		}
	case []any:
		with, _ := masked.([]any)
		for i := range min(len(v), len(with)) {
			differing(v[i], with[i], f)
		}
	case map[string]any:
		with, _ := masked.(map[string]any)
		for name, e := range v {
			differing(e, with[name], f)
		}
	}
}
