package wire

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// cutBody cuts some of each literal of a body, as a filter would, and holds what the
// reading then tells against a walk over the new body.
func cutBody(t *testing.T, r *rand.Rand, reading *Reading, body []byte) (told bool) {
	t.Helper()
	const with = "[REDACTED:some-rule]"
	var out []byte
	done, cuts := 0, 0
	w := Texts(body)
	for w.Read(reading); w.Next(); {
		inside := body[w.Start()+1 : w.End()-1]
		if want := AppendInside(nil, inside); !bytes.Equal(w.Plain(), want) {
			t.Fatalf("%.80q means %.80q, decoded as %.80q", inside, want, w.Plain())
		}
		for at := 0; len(w.Plain()) > 0 && r.IntN(2) == 0; cuts++ {
			from := at + r.IntN(len(w.Plain()))
			to := from + 1 + r.IntN(min(60, len(w.Plain())))
			if to > len(w.Plain()) {
				break
			}
			c, ok := reading.Written(from, to)
			if !ok {
				t.Fatalf("%.80q was not noted", inside)
			}
			if c.Start < w.Start()+1 || c.End > w.End()-1 || c.Start >= c.End {
				t.Fatalf("%.80q: %d to %d is not in it", inside, c.Start, c.End)
			}
			if c.Start < done {
				break // the rest of an escape that was cut before
			}
			before, part := AppendInside(nil, body[w.Start()+1:c.Start]), AppendInside(nil, body[c.Start:c.End])
			if len(before) > from || len(before)+len(part) < to || from-len(before) > 3 || len(before)+len(part)-to > 3 {
				t.Fatalf("%.80q: %d to %d is written as %q", inside, from, to, body[c.Start:c.End])
			}
			c.With = with
			reading.Cut(c)
			out = append(append(out, body[done:c.Start]...), with...)
			done, at = c.End, to
		}
	}
	out = append(out, body[done:]...)
	if !reading.Replaced(out) || len(out) == 0 {
		return false
	}
	if !reading.Of(out) {
		t.Fatal("it does not know the new body")
	}
	for w := Texts(out); w.Next(); {
		end, seen, plain, ok := reading.Next(w.Start())
		if want := AppendInside(nil, out[w.Start()+1:w.End()-1]); !ok || end != w.End() || !bytes.Equal(plain, want) {
			t.Fatalf("%.80q was noted as %d, %.80q, %t", out[w.Start():w.End()], end, plain, ok)
		}
		if w.Seen()&^seen != 0 {
			t.Fatalf("%.80q: %b was seen, %b is to be seen", out[w.Start():w.End()], seen, w.Seen())
		}
	}
	return true
}

// What is read of a body tells of the body that comes of it, at the seams of long texts
// too.
func TestReplaced(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8)) //nolint:gosec // the same every time
	parts := []string{`\n`, `\"`, `\\`, "word ", "größer ", `\u00e4`, `\ud83d\ude00`, `\t`, strings.Repeat("long ", 40), `\u0041`, `\/`}
	reading := NewReading(&sync.Pool{})
	told := 0
	for range 300 {
		var b strings.Builder
		b.WriteString(`{"content":[{"type":"text","text":"`)
		for size := r.IntN(3 * partSize); b.Len() < size; {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		b.WriteString(`"},{"type":"text","text":"plain"},{"text":"a\nb\tc"}]}`)
		if cutBody(t, r, reading, []byte(b.String())) {
			told++
		}
	}
	if told < 50 {
		t.Errorf("only %d of 300 could be told of without reading them again", told)
	}
}

func FuzzReplaced(f *testing.F) {
	for i, s := range []string{`["a\nb","c"]`, `{"k":"\ud83d\ude00x","l":"\u0041"}`, `"\ud83d\ud83d\ude00"`, `["12345678\"","\\\\","",["x"]]`, `"\`} {
		f.Add([]byte(s), uint64(i))
	}
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		cutBody(t, rand.New(rand.NewPCG(seed, 1)), NewReading(&sync.Pool{}), body) //nolint:gosec // the same every time
	})
}
