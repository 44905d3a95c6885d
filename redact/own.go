package redact

import "bytes"

const ownKey = "PRIVATE+KEY+ostiary-" // golang.org/x/mod/sumdb/note

// ownTokens are the door's own secrets, which nobody need tell it: capability tokens
// and API keys that it hands out, and the key that it signs its log with. Each is
// known by its beginning, plain and in the encodings of a known secret.
func ownTokens() []shape {
	var all []shape
	for _, own := range [...]struct {
		prefix, rule string
	}{
		{"ost_cap_", "capability-token"},
		{"ost_key_", "api-key"},
		{ownKey, "signing-key"},
	} {
		for _, form := range forms(own.prefix) {
			all = append(all, shape{form, own.rule, ownToken})
		}
	}
	return all
}

// leastOwn is how many characters stand behind the beginning at least. The door's
// own have more, in whatever encoding.
const leastOwn = 20

// ownToken matches also within a word: nothing else is written like this.
func ownToken(s string, i int, prefix string) (int, int, bool) {
	from := i + len(prefix)
	end := from
	for end < len(s) && (sextets[s[end]] != 0xff || s[end] == '=') {
		end++
	}
	return i, end, end-from >= leastOwn
}

// ownBegins reports whether raw holds what the door's own secrets begin with, as it
// is: what is encoded Filter looks for. An underscore is rarer than its letters.
func ownBegins(raw []byte) bool {
	for i := 0; ; i++ {
		next := bytes.IndexByte(raw[i:], '_')
		if next < 0 {
			return bytes.Contains(raw, []byte(ownKey))
		}
		if i += next; i >= 3 && raw[i-1] == 't' && raw[i-2] == 's' && raw[i-3] == 'o' {
			return true
		}
	}
}
