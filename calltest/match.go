package calltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mismatch is one place at which what came is not what was expected.
type mismatch struct {
	pointer   string
	want, got string
}

// prose are the keys whose values are texts for people: what is expected there
// must be contained in what came. Ids in "under" are not known before.
var prose = []string{"message", "reason", "would_reason", "text", "under"}

// compare reports where got lacks what want says. Of objects only the keys that
// want has are looked at; null stands for absent; arrays have the same length;
// numbers are compared as they are written.
func compare(want, got any, pointer string) []mismatch {
	differ := func() []mismatch {
		return []mismatch{{pointer, shown(want), shown(got)}}
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return differ()
		}
		var all []mismatch
		for _, key := range sortedKeys(w) {
			v, there := g[key]
			at := pointer + "/" + key
			switch {
			case w[key] == nil && there && v != nil:
				all = append(all, mismatch{at, "nothing", shown(v)})
			case w[key] == nil:
			case !there:
				all = append(all, mismatch{at, shown(w[key]), "nothing"})
			default:
				all = append(all, compare(w[key], v, at)...)
			}
		}
		return all
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return differ()
		}
		var all []mismatch
		for i := range w {
			all = append(all, compare(w[i], g[i], pointer+"/"+strconv.Itoa(i))...)
		}
		return all
	case string:
		g, ok := got.(string)
		if ok && slices.Contains(prose, pointer[strings.LastIndexByte(pointer, '/')+1:]) {
			if !strings.Contains(g, w) {
				return []mismatch{{pointer, "a text that contains " + shown(w), shown(got)}}
			}
			return nil
		}
	}
	if want != got {
		return differ()
	}
	return nil
}

// shown is a value as JSON, cut to what a person reads.
func shown(v any) string {
	const most = 400
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	s := strings.TrimSuffix(b.String(), "\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// decode reads a JSON value without losing digits; nil for what is none.
func decode(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}
