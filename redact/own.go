package redact

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
		{"PRIVATE+KEY+ostiary-", "signing-key"}, // golang.org/x/mod/sumdb/note
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
