package audit

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// full has every field set, so that one that is forgotten shows.
func full() Record {
	r := Record{V: Version, N: 7, Time: time.Date(2026, 7, 8, 9, 10, 11, 123456789, time.UTC), Closed: true, DurationUS: 1500, PID: 4711,
		Heads:    []Head{{"a", 1, "r"}, {"b", 0, "s"}},
		Repaired: []Repaired{{"a", 10, 3, true}, {Log: "b"}},
		Found:    70,
		Findings: []Finding{{"f-1", "redact", "github-pat", "/content/0/text", 12, "redacted", "hash", 0.875}, {ID: "f-2", Stage: "untrusted", Rule: "tags"}},
	}
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString(v.Type().Field(i).Name)
		}
	}
	return r
}

func encode(r *Record) []byte {
	b := r.appendTail([]byte(`{"v":1,"n":7`))
	return b[:len(b)-1]
}

func TestRecordReadsBack(t *testing.T) {
	want := full()
	var got Record
	line := encode(&want)
	if err := json.Unmarshal(line, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	std, err := json.Marshal(want)
	if err != nil || string(std) != string(line) {
		t.Errorf("encoding/json would write\n%s, not\n%s", std, line)
	}
	if got := string(bodyOf(line)); got != "" {
		t.Errorf("body %q of the wrong length was taken", got)
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c\n\r\t\x00\x1f\x7f", "\xff\xfe", "é漢😀", "\u2028\u2029\u0085", "\xed\xa0\x80", `,"body":"x"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := appendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		want := strings.ToValidUTF8(s, "\ufffd")
		if len(s) > 0 && !utf8.ValidString(s) {
			want = string([]rune(s)) // one U+FFFD for each bad byte
		}
		if got != want || strings.ContainsAny(string(b), "\n\r\u2028\u2029\u0085") {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
		if c := cut(s, 8); len(s) > 8 && !strings.HasSuffix(c, "bytes)") || utf8.ValidString(s) && !utf8.ValidString(c) {
			t.Errorf("%q was cut to %q", s, c)
		}
	})
}
