package scan

import "strings"

// maxAssigned is how long a value is at most that a key makes a secret.
const maxAssigned = 4 << 10

// lastOfKey is how much of a key is read, from its end: more than a rule reads of a name,
// its word and what stands behind. A key of any length may stand over many values. What
// goes over lines, such as a manifest, may begin further before.
const (
	lastOfKey   = 160
	lastOfLines = 4 << 10
)

// Assigned reports whether value as a whole is a secret because of the key that it
// stands under, and the rule that says so. The two stand apart, as members of JSON
// objects do; what tells itself within value is for [Engine.Find]. A header with
// cookies is one if a cookie in it is.
func (e *Engine) Assigned(key, value string) (rule string, ok bool) {
	if len(value) > maxAssigned {
		return "", false
	}
	last := lastOfKey
	if strings.IndexByte(key, '\n') >= 0 {
		last = lastOfLines
	}
	key = key[max(0, len(key)-last):]
	f := e.finders.Get().(*finder)
	defer f.release()
	if !f.any(key) {
		return "", false
	}
	const between = `": "`
	text := key + between + value + `"`
	from := len(key) + len(between)
	to := from + len(value)
	for _, m := range f.find(text) {
		if m.end <= from {
			continue
		}
		if m.rule.part || strings.Trim(text[from:max(from, m.start)]+text[min(to, m.end):to], " \t\r\n'\"`=") == "" {
			return m.rule.id, true
		}
	}
	return "", false
}

// any reports whether a word ends in s.
func (f *finder) any(s string) bool {
	f.lanes[0] = part(f.e.words, f.lanes[0][:0], s, 0, len(s))
	return len(f.lanes[0]) > 0
}
