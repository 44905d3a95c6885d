package wire

import (
	"encoding/json"
	"testing"
)

// FuzzAppendUnquoted compares what a literal means with encoding/json.
func FuzzAppendUnquoted(f *testing.F) {
	for _, s := range []string{`""`, `"a"`, `"a\nb\t\"\\\/\b\f\r"`, `"\u0041\n\ud83d\ude00"`, `"\n\ud83d"`, `"é\n日本"`, `"\\u0041"`, `"\\\\"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, literal []byte) {
		var want string
		if !json.Valid(literal) || json.Unmarshal(literal, &want) != nil || literal[0] != '"' || literal[len(literal)-1] != '"' || len(want) == 0 || !json.Valid(Quote(want)) {
			t.Skip()
		}
		if _, err := Parse([]byte(`{"jsonrpc":"2.0","method":"x","params":{"a":`+string(literal)+`}}`), Limits{}); err != nil {
			t.Skip() // invalid UTF-8 and half pairs do not come so far
		}
		if got := string(AppendUnquoted([]byte("before "), literal)); got != "before "+want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
