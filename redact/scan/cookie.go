package scan

import "strings"

// maxHeader is how much of a header with cookies is looked at.
const maxHeader = 4 << 10

// cookies finds the values of Cookie and Set-Cookie (RFC 6265, section 4) that
// belong to a session by their name, or are as random as one.
func cookies(f *finder, r *rule, start, end int) {
	s := f.m.s
	i := end
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		i++
	}
	for i < len(s) && i < end+3 && s[i] == ' ' {
		i++
	}
	if i >= len(s) || s[i] != ':' && s[i] != '=' {
		return
	}
	i = f.m.skip(i+1, 6, openBytes)
	stop := f.m.skip(i, maxHeader, headerBytes)
	set := start >= 4 && strings.EqualFold(s[start-4:start], "set-")
	at := i
	for at < stop {
		next := stop
		if n := strings.IndexByte(s[at:stop], ';'); n >= 0 {
			next = at + n
		}
		if eq := strings.IndexByte(s[at:next], '='); eq > 0 {
			name, from := strings.TrimSpace(s[at:at+eq]), at+eq+1
			to, words := next, false
			if n := strings.IndexByte(s[from:next], ' '); n >= 0 { // no value holds a blank
				to, words = from+n, strings.TrimSpace(s[from+n:next]) != ""
			}
			if v := s[from:to]; sessionCookie(name, v) && (!words || digits(v)) { // else it may be a sentence
				f.take(r, start, next, from, to)
			}
		}
		at = next + 1
		if set { // what follows are attributes
			break
		}
	}
	f.until[r.number] = max(f.until[r.number], min(at, stop))
	f.note(start, stop+Reach)
}

func sessionCookie(name, value string) bool {
	if len(value) < 8 || strings.ContainsAny(value, "<>{}[]") || placeholder(value) {
		return false
	}
	name = strings.ToLower(name)
	for _, part := range []string{"sess", "sid", "auth", "token", "jwt", "login", "remember", "secret"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return len(value) >= 20 && digits(value) && entropy(value) > 3.5
}
