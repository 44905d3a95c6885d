package calltest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// lines maps JSON pointers to the lines of the archive in which they stand.
type lines map[string]int

// line is the place of a pointer, else of the nearest value around it.
func (l lines) line(pointer string) int {
	for {
		if n, ok := l[pointer]; ok {
			return n
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return l[""]
		}
		pointer = pointer[:i]
	}
}

// places finds the line of every value of a section of JSON.
func places(s *section) lines {
	l := lines{"": s.line}
	if s.data == nil {
		return l
	}
	d := json.NewDecoder(bytes.NewReader(s.data))
	at := func() int {
		// InputOffset is behind the token that was read last.
		return s.line + bytes.Count(s.data[:min(int(d.InputOffset()), len(s.data))], []byte("\n"))
	}
	var value func(pointer string, depth int) bool
	value = func(pointer string, depth int) bool {
		t, err := d.Token()
		if err != nil || depth > 1000 {
			return false
		}
		if _, known := l[pointer]; !known {
			l[pointer] = at()
		}
		switch t {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				name, ok := key.(string)
				if err != nil || !ok {
					return false
				}
				l[pointer+"/"+name] = at()
				if !value(pointer+"/"+name, depth+1) {
					return false
				}
			}
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				if !value(pointer+"/"+strconv.Itoa(i), depth+1) {
					return false
				}
			}
		default:
			return true
		}
		_, err = d.Token() // the closing one
		return err == nil
	}
	value("", 0)
	return l
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
