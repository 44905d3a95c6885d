package redact

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestStream: what goes through in pieces is what the whole text becomes, wherever a
// known secret stands, however it is encoded and whether others touch it.
func TestStream(t *testing.T) {
	const short = "pass/word with spaces"
	long := strings.Repeat("0123456789abcdef", 300) + "!" // longer than what is kept else
	r, err := New(Options{Known: []string{short}, Returned: []string{long}})
	if err != nil {
		t.Fatal(err)
	}
	r.Learn("issuer", "learned-later")
	const key = "?token=only-the-name-tells"
	few, err := New(Options{Known: []string{short}})
	if err != nil {
		t.Fatal(err)
	}
	through := func(s *Stream, text string, size int) (got string) {
		var out []byte
		for part := range slices.Chunk([]byte(text), size) {
			out = s.Write(out, part)
		}
		return string(s.Close(out))
	}
	for _, secret := range []string{
		short, url.QueryEscape(short), url.PathEscape(url.PathEscape(short)), `pass\u002fword with spaces`, long, "learned-later", "no secret",
		strings.Repeat(short, 400), "Basic dXNlcjpwYXNzd29yZA==", key, "ghp_" + strings.Repeat("a1", 18), "Bearer " + strings.Repeat("a1", 800),
	} {
		for at := range 40 { // where the text is cut first
			text := strings.Repeat("x", 5000-streamAhead-at) + " " + secret + "\n" + strings.Repeat("words ", 2000)
			if got, want := through(few.TextStream(), text, 5000), few.Text(text); got != want {
				t.Errorf("%d bytes before the cut %.40s: %.300s\nwant %.300s", at, secret, got, want)
			}
		}
		for _, size := range []int{17, 5000, 1 << 20} {
			for before := 0; before < 9000; before = before*2 + 1 + before%7 {
				text := strings.Repeat("x", before) + " " + secret + "\n" + strings.Repeat("words ", 2000) + key
				if got, want := through(r.KnownStream(), text, size), replace(text, merge(r.findKnown(nil, text))); got != want {
					t.Errorf("%d bytes before %.40s in pieces of %d:\n%.300s\nwant %.300s", before, secret, size, got, want)
				}
				for _, r := range []*Redactor{r, few} {
					if got, want := through(r.TextStream(), text, size), r.Text(text); got != want {
						t.Errorf("%d bytes before %.40s in pieces of %d:\n%.300s\nwant %.300s", before, secret, size, got, want)
					}
				}
			}
		}
	}
}

// TestStreamIsBounded by the longest secret.
func TestStreamIsBounded(t *testing.T) {
	for _, length := range []int{16, 5000} {
		r, err := New(Options{Known: []string{strings.Repeat("s", length-1) + "!"}})
		if err != nil {
			t.Fatal(err)
		}
		s := r.TextStream()
		for range 1000 {
			s.Write(nil, []byte(strings.Repeat("://a:", 200)))
		}
		if most := 4*max(streamAhead, streamForm*length) + 4000; cap(s.buf) > most {
			t.Errorf("%d bytes are kept for a secret of %d, want %d at most", cap(s.buf), length, most)
		}
	}
}
