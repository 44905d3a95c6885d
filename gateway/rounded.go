package gateway

import (
	"strconv"
	"strings"
)

// rounded holds numeric ids by the double that many programs read them as: a
// server in JavaScript echoes 9007199254740993 as 9007199254740992, and would
// answer the one request with the id of the other. Ids alone may be any number.
type rounded map[float64]string

// double is the double nearest to a canonical id; false for strings. What is
// beyond all doubles is infinite.
func double(key string) (float64, bool) {
	digits, ok := strings.CutPrefix(key, "n:")
	if !ok {
		return 0, false
	}
	f, _ := strconv.ParseFloat(digits, 64) // a canonical id is a number, and ±Inf is right where it is too large
	return f, true
}

// clashes reports whether another id has the same double.
func (r rounded) clashes(key string) bool {
	if f, ok := double(key); ok {
		other, held := r[f]
		return held && other != key
	}
	return false
}

func (r rounded) add(key string) {
	if f, ok := double(key); ok {
		r[f] = key
	}
}

func (r rounded) remove(key string) {
	if f, ok := double(key); ok && r[f] == key {
		delete(r, f)
	}
}
