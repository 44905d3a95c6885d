package approval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/visible"
)

// notesMost is how many places a note about the arguments names.
const notesMost = 3

// remarks tell a person of arguments that are not, or not what, they seem: what was
// masked, and letters that pose as others, with where.
func remarks(what string, raw, masked []byte) []string {
	if len(masked) == 0 {
		return nil
	}
	l := looker{raw: tokens(raw), masked: tokens(masked)}
	if !l.value("") || l.masked.More() {
		l.bytes, l.hidden = len(raw)-len(unmarked(string(masked))), append(l.hidden, "places that cannot be told")
	}
	var all []string
	if l.bytes > 0 {
		all = append(all, fmt.Sprintf("%d bytes of %s are hidden as secrets, at %s", l.bytes, what, some(l.hidden)))
	}
	all = append(all, l.alike[:min(len(l.alike), notesMost)]...)
	if more := len(l.alike) - notesMost; more > 0 {
		all = append(all, fmt.Sprintf("%d more texts of %s have letters that pose as others", more, what))
	}
	return all
}

func some(places []string) string {
	if more := len(places) - notesMost; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(places[:notesMost], ", "), more)
	}
	return strings.Join(places, ", ")
}

func tokens(b []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d
}

// looker goes over the arguments as they will be sent and as they are shown, at once:
// what is masked has the same objects and lists.
type looker struct {
	raw, masked *json.Decoder
	bytes       int
	hidden      []string // pointers (RFC 6901)
	alike       []string
}

// value looks at one value; false if the two are not alike.
func (l *looker) value(at string) bool {
	raw, err := l.raw.Token()
	if err != nil {
		return false
	}
	masked, err := l.masked.Token()
	if err != nil {
		return false
	}
	open, ok := raw.(json.Delim)
	if !ok {
		return l.leaf(at, raw, masked)
	}
	if masked != open {
		return false
	}
	for i := 0; l.raw.More(); i++ {
		if !l.masked.More() {
			return false
		}
		name := strconv.Itoa(i)
		if open == '{' {
			was, err := l.raw.Token()
			if err != nil {
				return false
			}
			is, err := l.masked.Token()
			if err != nil {
				return false
			}
			if name, ok = is.(string); !ok {
				return false
			}
			name = pointer(name)
			if !l.leaf(at+"/"+name, was, is) {
				return false
			}
		}
		if !l.value(at + "/" + name) {
			return false
		}
	}
	_, was := l.raw.Token()
	_, is := l.masked.Token()
	return was == nil && is == nil
}

// leaf looks at a value that is none of others, or at a name.
func (l *looker) leaf(at string, raw, masked json.Token) bool {
	was, is := textOf(raw), textOf(masked)
	if was == nil || is == nil {
		return raw == masked
	}
	if *was != *is {
		left := unmarked(*is)
		if left == *is { // another mark than ours
			left = ""
		}
		l.bytes += max(len(*was)-len(left), 1)
		l.hidden = append(l.hidden, place(at))
	}
	if why, found := visible.Lookalikes(*is); found {
		l.alike = append(l.alike, "the text at "+place(at)+" may not be what it looks like: "+why)
	}
	return true
}

func textOf(t json.Token) *string {
	switch t := t.(type) {
	case string:
		return &t
	case json.Number:
		s := t.String()
		return &s
	}
	return nil
}

func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func place(at string) string {
	if at == "" {
		return "the whole"
	}
	return visible.Escaped(at, 60)
}

// unmarked is a text without the marks of what was masked.
func unmarked(s string) string {
	const mark = "[REDACTED:"
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, mark)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if _, rest, ended := strings.Cut(after[:min(len(after), 64)], "]"); ended {
			s = after[min(len(after), 64)-len(rest):]
		} else {
			b.WriteString(mark)
			s = after
		}
	}
}
