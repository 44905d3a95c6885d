package redact

import (
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/wire"
)

// maxDepth is far beyond what package wire lets through.
const maxDepth = 1024

// withheld stands for bytes that are not JSON.
const withheld = `"[REDACTED:not JSON]"`

// Arguments returns the arguments of a call without secrets: one JSON value, in
// which what holds no secret is as it was, byte for byte. schema may be nil. It
// may return raw itself and never changes it. What is not one JSON value is
// withheld whole; no bytes at all stay none.
func (r *Redactor) Arguments(raw []byte, schema *SchemaKeys) []byte {
	if len(raw) == 0 {
		return raw
	}
	w := walker{r: r, schema: schema, s: borrow(raw)}
	w.space()
	ok := w.value(0)
	w.space()
	if !ok || w.i != len(w.s) {
		return []byte(withheld)
	}
	if w.out == nil {
		return raw
	}
	return append(w.out, w.s[w.done:]...)
}

// Shown is Arguments for the eye of a person who decides about the call. A name that
// the caller chose hides no more than texts there: below it objects, lists, booleans,
// null and numbers stay, but for numbers that are themselves the secret (a pin, what
// the schema declares). Private keys, passwords in URLs and parameters of URLs are
// masked only if they fit the alphabet of such.
func (r *Redactor) Shown(raw []byte, schema *SchemaKeys) []byte { return r.eye.Arguments(raw, schema) }

// walker goes over one JSON text (RFC 8259), checks it and copies it only from
// the first change on.
type walker struct {
	r      *Redactor
	schema *SchemaKeys
	s      string
	i      int
	mute   bool // within a value that is replaced as a whole
	leaves bool // within a value whose texts are replaced
	// numbers says that those of a list are as well.
	numbers bool
	out     []byte
	done    int // s[:done] is in out
}

func (w *walker) space() {
	for w.i < len(w.s) && (w.s[w.i] == ' ' || w.s[w.i] == '\n' || w.s[w.i] == '\r' || w.s[w.i] == '\t') {
		w.i++
	}
}

// replace puts a string in the place of s[start:end].
func (w *walker) replace(start, end int, text string) {
	w.out = append(w.out, w.s[w.done:start]...)
	w.out = appendString(w.out, text)
	w.done = end
}

// eat skips c and what space stands around it.
func (w *walker) eat(c byte) bool {
	ok := w.shut(c)
	w.space()
	return ok
}

// shut skips the space before c, and c.
func (w *walker) shut(c byte) bool {
	w.space()
	return w.one(c)
}

func (w *walker) value(depth int) bool {
	if w.i >= len(w.s) || depth > maxDepth {
		return false
	}
	switch c := w.s[w.i]; {
	case c == '{':
		return w.object(depth)
	case c == '[':
		return w.array(depth)
	case c == '"' && w.leaves:
		return w.whole(depth)
	case c == '"':
		return w.str()
	case c == '-' || isDigit(c):
		if w.leaves && w.numbers {
			return w.whole(depth)
		}
		return w.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(w.s[w.i:], word) {
			w.i += len(word)
			return true
		}
	}
	return false
}

func (w *walker) array(depth int) bool {
	w.eat('[')
	if w.shut(']') {
		return true
	}
	for w.value(depth + 1) {
		if !w.eat(',') {
			return w.shut(']')
		}
	}
	return false
}

func (w *walker) object(depth int) bool {
	w.eat('{')
	if w.shut('}') {
		return true
	}
	for {
		start := w.i
		if w.i >= len(w.s) || w.s[w.i] != '"' || !w.str() {
			return false
		}
		key := unescape(w.s[start+1 : w.i-1])
		if !w.eat(':') {
			return false
		}
		if !w.member(key, depth+1) {
			return false
		}
		if !w.eat(',') {
			return w.shut('}')
		}
	}
}

// member goes over the value under a key.
func (w *walker) member(key string, depth int) bool {
	declared := w.schema.secret(key)
	secret := declared || !w.mute && w.r.names.secret(key)
	switch {
	case w.mute || !secret && !w.leaves:
		return w.value(depth)
	case !w.r.strict():
		return w.whole(depth)
	}
	leaves, numbers := w.leaves, w.numbers
	w.leaves, w.numbers = true, secret && (declared || digitSecret(key))
	ok := w.value(depth)
	w.leaves, w.numbers = leaves, numbers
	return ok
}

// whole replaces one value as a whole, unless it is an empty text below a name.
func (w *walker) whole(depth int) bool {
	from, leaves := w.i, w.leaves
	w.mute, w.leaves = true, false
	ok := w.value(depth)
	w.mute, w.leaves = false, leaves
	if ok && (!leaves || w.s[from:w.i] != `""`) {
		w.replace(from, w.i, marker(ruleKey))
	}
	return ok
}

// str checks a string, a key or a value, and redacts what it means.
func (w *walker) str() bool {
	start := w.i
	escaped := false
	for i := wire.Plain(lend(w.s), start+1); i < len(w.s); i = wire.Plain(lend(w.s), i+1) {
		switch w.s[i] {
		case '"':
			w.i = i + 1
			if !w.mute {
				w.text(start, escaped)
			}
			return true
		case '\\':
			escaped = true
			i++
			if i >= len(w.s) || strings.IndexByte(`"\/bfnrtu`, w.s[i]) < 0 {
				return false
			}
			if w.s[i] == 'u' {
				if len(w.s)-i < 5 {
					return false
				}
				if _, ok := hexValue(w.s[i+1 : i+5]); !ok {
					return false
				}
			}
		default: // a control character
			return false
		}
	}
	return false
}

func (w *walker) text(start int, escaped bool) {
	inside := w.s[start+1 : w.i-1]
	if escaped {
		inside = unescape(inside)
	}
	if clean, changed := w.r.text(inside); changed {
		w.replace(start, w.i, clean)
	}
}

// number checks a number. A known secret may consist of digits.
func (w *walker) number() bool {
	start := w.i
	w.one('-')
	if !w.one('0') && !w.digits() {
		return false
	}
	if w.one('.') && !w.digits() {
		return false
	}
	if w.one('e') || w.one('E') {
		if !w.one('+') {
			w.one('-')
		}
		if !w.digits() {
			return false
		}
	}
	if !w.mute && !w.r.index.Load().empty() {
		if clean, changed := w.r.text(w.s[start:w.i]); changed {
			w.replace(start, w.i, clean)
		}
	}
	return true
}

func (w *walker) one(c byte) bool {
	if w.i < len(w.s) && w.s[w.i] == c {
		w.i++
		return true
	}
	return false
}

func (w *walker) digits() bool {
	from := w.i
	for w.i < len(w.s) && isDigit(w.s[w.i]) {
		w.i++
	}
	return w.i > from
}

// appendString writes s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
