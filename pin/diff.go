package pin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/visible"
)

// Difference is one place where two forms differ. Old is nil where something was
// added, New where it was removed; both are JSON, or text where both are strings.
type Difference struct {
	// Pointer is the JSON pointer of the place (RFC 6901).
	Pointer string `json:"pointer"`
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	// What is added, removed or changed.
	What string `json:"what"`
}

// differencesMost is how many places are told.
const differencesMost = 200

// Diff compares two canonical texts place by place. A text that is no JSON differs
// as a whole. Arrays are compared by position, but for arrays of words such as
// required and enum, of which it says what came and went.
func Diff(before, after string) []Difference {
	if before == after {
		return nil
	}
	old, okOld := decode(before)
	now, okNew := decode(after)
	if !okOld || !okNew {
		return []Difference{{Pointer: "", Old: before, New: after, What: "changed"}}
	}
	d := differ{}
	d.value("", old, now, 0)
	return d.found
}

func decode(text string) (v any, ok bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return v, dec.Decode(&v) == nil && !dec.More()
}

type differ struct{ found []Difference }

// deepest is how deep two forms are compared; below, they differ as a whole.
const deepest = 64

func (d *differ) value(at string, old, now any, depth int) {
	if len(d.found) >= differencesMost {
		return
	}
	if depth < deepest {
		switch o := old.(type) {
		case map[string]any:
			if n, ok := now.(map[string]any); ok {
				d.object(at, o, n, depth)
				return
			}
		case []any:
			if n, ok := now.([]any); ok {
				d.array(at, o, n, depth)
				return
			}
		}
	}
	if a, b := shown(old), shown(now); a != b || fmt.Sprintf("%T", old) != fmt.Sprintf("%T", now) {
		d.found = append(d.found, Difference{Pointer: at, Old: a, New: b, What: "changed"})
	}
}

func (d *differ) object(at string, old, now map[string]any, depth int) {
	keys := make([]string, 0, len(old)+len(now))
	for k := range old {
		keys = append(keys, k)
	}
	for k := range now {
		if _, both := old[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		o, was := old[k]
		n, is := now[k]
		place := at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		switch {
		case was && is:
			d.value(place, o, n, depth+1)
		case len(d.found) >= differencesMost:
			return
		case was:
			d.found = append(d.found, Difference{Pointer: place, Old: shown(o), What: "removed"})
		default:
			d.found = append(d.found, Difference{Pointer: place, New: shown(n), What: "added"})
		}
	}
}

func (d *differ) array(at string, old, now []any, depth int) {
	if a, ok := words(old); ok {
		if b, ok := words(now); ok {
			d.words(at, a, b)
			return
		}
	}
	for i := range max(len(old), len(now)) {
		place := fmt.Sprintf("%s/%d", at, i)
		switch {
		case i < len(old) && i < len(now):
			d.value(place, old[i], now[i], depth+1)
		case len(d.found) >= differencesMost:
			return
		case i < len(old):
			d.found = append(d.found, Difference{Pointer: place, Old: shown(old[i]), What: "removed"})
		default:
			d.found = append(d.found, Difference{Pointer: place, New: shown(now[i]), What: "added"})
		}
	}
}

func words(all []any) ([]string, bool) {
	found := make([]string, 0, len(all))
	for _, v := range all {
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		found = append(found, s)
	}
	return found, true
}

func (d *differ) words(at string, old, now []string) {
	n := len(d.found)
	count := map[string]int{}
	for _, w := range old {
		count[w]++
	}
	for _, w := range now {
		if count[w]--; count[w] < 0 && len(d.found) < differencesMost {
			d.found = append(d.found, Difference{Pointer: at, New: w, What: "added"})
		}
	}
	for _, w := range old {
		if count[w] > 0 && len(d.found) < differencesMost {
			count[w]--
			d.found = append(d.found, Difference{Pointer: at, Old: w, What: "removed"})
		}
	}
	if len(d.found) == n && !slices.Equal(old, now) {
		d.found = append(d.found, Difference{Pointer: at, Old: shown(strings.Join(old, ", ")), New: shown(strings.Join(now, ", ")), What: "changed"})
	}
}

// shown is a value as text: a string as it is, anything else as JSON.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "?"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// places names the members that differ, for a line; "" if that cannot be told. The
// names of properties are a stranger's words, so only those that the protocol has
// are told.
func places(before, after string) string {
	if before == "" || after == "" {
		return ""
	}
	var all []string
	for _, d := range Diff(before, after) {
		top, _, _ := strings.Cut(strings.TrimPrefix(d.Pointer, "/"), "/")
		switch top {
		case "name", "title", "description", "inputSchema", "outputSchema", "annotations", "instructions", "serverInfo", "arguments",
			"_meta", "icons", "execution", "program", "script", "file", "package", "words", "fetches", "url", "key", "query", "uriTemplate", "mimeType":
		default:
			top = "other members"
		}
		if !slices.Contains(all, top) {
			all = append(all, top)
		}
	}
	return strings.Join(all, ", ")
}

// Lines are a difference as lines that are safe on a terminal, at most width
// characters of each text around what differs.
func (d Difference) Lines(width int) []string {
	at := visible.Line(d.Pointer, 200)
	if at == "" {
		at = "(all of it)"
	}
	lines := []string{at + " " + d.What}
	before, after := around(d.Old, d.New, width)
	if d.What != "added" {
		lines = append(lines, "  - "+visible.Line(before, width))
	}
	if d.What != "removed" {
		lines = append(lines, "  + "+visible.Line(after, width))
	}
	return lines
}

// around cuts from two texts what they begin with in common, as far as it does not
// fit, so that the place where they differ is seen.
func around(before, after string, width int) (string, string) {
	if utf8.RuneCountInString(before) <= width && utf8.RuneCountInString(after) <= width {
		return before, after
	}
	same := 0
	for same < len(before) && same < len(after) && before[same] == after[same] {
		same++
	}
	same = max(0, same-width/4)
	for same > 0 && (same < len(before) && !utf8.RuneStart(before[same]) || same < len(after) && !utf8.RuneStart(after[same])) {
		same--
	}
	if same == 0 {
		return before, after
	}
	return "…" + before[same:], "…" + after[same:]
}
