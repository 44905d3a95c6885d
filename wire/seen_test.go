package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

// seenByByte is what stands in the inside of a literal, told byte by byte.
func seenByByte(inside []byte) (seen Seen) {
	for i := 0; i < len(inside); i++ {
		switch c := inside[i]; {
		case c == '\\':
			seen |= SeenEscape
			if i++; i < len(inside) {
				switch inside[i] {
				case '\\':
					if rest := string(inside[i+1:]); strings.HasPrefix(rest, "u") || strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, `\"`) || strings.HasPrefix(rest, `\\`) {
						seen |= SeenNested
					}
				case 'n', 't', '"':
				default:
					seen |= SeenRare
				}
			}
		case c < ' ' || c > '~':
			seen |= SeenOther
		}
	}
	return seen
}

// What stands behind a literal, at any distance, is not seen in it.
func TestSeen(t *testing.T) {
	for _, c := range []struct {
		inside string
		want   Seen
	}{
		{``, 0}, {`plain words`, 0}, {`a\nb\t\"`, SeenEscape}, {`C:\\x`, SeenEscape}, {`C:\\u`, SeenEscape | SeenNested}, {`\\\"`, SeenEscape | SeenNested}, {`\\\\x`, SeenEscape | SeenNested}, {`\\\n`, SeenEscape}, {`\u0041`, SeenEscape | SeenRare}, {`a\/b`, SeenEscape | SeenRare},
		{"\u00e9", SeenOther}, {"a\x7f", SeenOther}, {"\x01", SeenOther}, {"\xff", SeenOther}, {`\\n`, SeenEscape},
	} {
		for pad := range 24 {
			for _, behind := range []string{"", "\n\t%\u00e9\x7f\\u", "]", ", \"\u00e9\"]"} {
				before := strings.Repeat("x", pad)
				w := Texts([]byte(`["` + before + c.inside + before + `"` + behind))
				if !w.Next() || w.Seen() != c.want {
					t.Fatalf("%q between %d others, before %q: %b, want %b", c.inside, pad, behind, w.Seen(), c.want)
				}
			}
		}
	}
}

// alike leaves out what stands behind a backslash that begins no escape.
func alike(a, b Seen) bool {
	a &^= SeenPercent
	return a == b || a&SeenRare != 0 && a == b|SeenOther
}

func FuzzSeen(f *testing.F) {
	for _, s := range []string{`"a\n%"`, `"\\\""`, "\"\x00\u00e9\"  \n", `"12345678\u1234"`, `"1234567\`, `"12345678\`, `"\ud83d\ude00\ud83d\x\"`, `["a\\n","b\n"]`, "\"\xff\x7f\"\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		decoding := Texts(body)
		reading := NewReading(&sync.Pool{})
		decoding.Read(reading)
		w := Texts(body)
		for w.Next() {
			inside := body[w.Start()+1 : w.End()-1]
			if !decoding.Next() || decoding.Start() != w.Start() || decoding.End() != w.End() || !alike(decoding.Seen(), w.Seen()) ||
				!bytes.Equal(decoding.Plain(), AppendInside(nil, inside)) {
				t.Fatalf("%q: %b and %q, want %b and %q", inside, decoding.Seen(), decoding.Plain(), w.Seen(), AppendInside(nil, inside))
			}
			if percent := bytes.IndexByte(inside, '%') >= 0; percent != (decoding.Seen()&SeenPercent != 0) {
				t.Fatalf("%q: %b", inside, decoding.Seen())
			}
			if want := seenByByte(inside); w.Seen() != want {
				t.Fatalf("%q: %b, want %b", inside, w.Seen(), want)
			}
			if w.Seen()&SeenEscape == 0 && !bytes.Equal(AppendInside(nil, inside), inside) {
				t.Fatalf("%q has no escape and changes", inside)
			}
		}
		if decoding.Next() {
			t.Fatalf("%q goes on", body)
		}
		if !reading.Of(body) {
			return
		}
		again := Texts(body)
		for again.Next() {
			end, seen, plain, ok := reading.Next(again.Start())
			if !ok || end != again.End() || !alike(seen, again.Seen()) || !bytes.Equal(plain, AppendInside(nil, body[again.Start()+1:end-1])) {
				t.Fatalf("%q was noted as %d, %b, %q, %t", body[again.Start():again.End()], end, seen, plain, ok)
			}
		}
	})
}

// FuzzAppendInside holds it against an undoing of one escape at a time.
func FuzzAppendInside(f *testing.F) {
	for _, s := range []string{``, `a\nb`, `\u0041\ud83d\ude00`, `\ud83d`, `\ud83dx`, `\`, `\u12`, `\x`, `1234567\`, "\xff\\n\xfe", `\ud83d\n\ude00`} {
		f.Add([]byte(s), 0)
		f.Add([]byte(s), 9)
	}
	f.Fuzz(func(t *testing.T, inside []byte, room int) {
		want := []byte("before ")
		for s := inside; len(s) > 0; {
			if s[0] != '\\' {
				want, s = append(want, s[0]), s[1:]
				continue
			}
			var buf [4]byte
			used, size := longEscape(buf[:], s)
			want, s = append(want, buf[:size]...), s[used:]
		}
		dst := append(make([]byte, 0, 7+max(0, min(room, 1<<10))), "before "...)
		if got := AppendInside(dst, inside); !bytes.Equal(got, want) {
			t.Fatalf("%q: got %q, want %q", inside, got, want)
		}
		var plain string
		if json.Unmarshal([]byte(`"`+string(inside)+`"`), &plain) == nil && strings.ToValidUTF8(string(inside), "") == string(inside) && string(want) != "before "+plain {
			t.Fatalf("%q means %q, not %q", inside, plain, want)
		}
	})
}

// A reading has a bound, and holds for its body alone.
func TestReading(t *testing.T) {
	pool := &sync.Pool{}
	r := NewReading(pool)
	body := []byte("[" + strings.Repeat(`"a\nb",`, mostNoted+10) + `"c\td"]`)
	w := Texts(body)
	n := 0
	for w.Read(r); w.Next(); n++ {
		if want := map[bool]string{true: "a\nb", false: "c\td"}[n < mostNoted+10]; string(w.Plain()) != want {
			t.Fatalf("literal %d is %q", n, w.Plain())
		}
	}
	if n != mostNoted+11 || len(r.all) != mostNoted {
		t.Errorf("%d read, %d noted", n, len(r.all))
	}
	if r.Of(append([]byte(nil), body...)) || r.Of(nil) || !r.Of(body) {
		t.Error("it takes another body for its own")
	}
	if _, _, _, ok := r.Next(0); ok {
		t.Error("it tells of a literal that is elsewhere")
	}
	if end, _, plain, ok := r.Next(1); !ok || end != 7 || string(plain) != "a\nb" {
		t.Error(end, string(plain), ok)
	}
	r.Release()
	if r.Of(body) {
		t.Error("it was given back and still tells of the body")
	}
}
