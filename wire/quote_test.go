package wire

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzQuote holds it against the library's.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "plain words of a text", "a\nb\tc\"d\\e\x00\x1f\x7f\b\f\r", "größer als 日本語", "\xff\xfe12345678\x80", "\u2028</script>", strings.Repeat("12345678", 3) + "\"", "1234567\x1f\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := jsontext.AppendQuote([]byte("before "), strings.ToValidUTF8(s, "\uFFFD"))
		if err != nil {
			t.Fatal(err)
		}
		if got := appendString([]byte("before "), s); string(got) != string(want) {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
	})
}
