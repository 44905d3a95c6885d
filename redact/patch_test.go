package redact

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/redact/scan"
)

// TestPatches holds the places that patches tell against those of each byte.
func TestPatches(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 300 {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(strings.Repeat("x", r.IntN(2*apart)))
			b.WriteString([]string{"%41", "%", "%20%20", "", "%4"}[r.IntN(5)])
		}
		s := b.String()
		decoded, p := view{'%', percentOne}.undo([]byte("before"), s)
		decoded = decoded[len("before"):]
		var at []int // by place in s, in the decoded text
		for i, n := 0, 0; i < len(s); n++ {
			_, used := percentOne(nil, s[i:])
			for range used {
				at = append(at, n)
			}
			i += used
		}
		at = append(at, len(decoded))
		within := func(i int) bool { return slices.ContainsFunc(p, func(x patch) bool { return x.from <= i && i < x.to }) }
		for i := range len(s) {
			if !within(i) && s[i] != decoded[at[i]] {
				t.Fatalf("%q: byte %d is in no patch of %v", s, i, p)
			}
		}
		for n, x := range p {
			if x.at != at[x.from] || x.end != at[x.to] || n > 0 && x.from-p[n-1].to < apart {
				t.Fatalf("%q: %v", s, p)
			}
		}
		if len(s) == 0 {
			continue
		}
		from := r.IntN(len(s))
		to := from + 1 + r.IntN(len(s)-from)
		for _, got := range p.moved([]scan.Span{{From: from, To: to}}) {
			want := scan.Span{From: at[from], To: at[to]}
			for _, x := range p {
				if x.from <= from && from < x.to {
					want.From = x.at
				}
				if x.from < to && to < x.to {
					want.To = x.end
				}
			}
			if got != want {
				t.Fatalf("%d to %d of %q is %v by %v, want %v", from, to, s, got, p, want)
			}
		}
		hits := p.carried(scan.Trace{Words: true, Hits: []int{from}}).Hits
		if patched := slices.ContainsFunc(p, func(x patch) bool { return x.from < from && from < x.to }); len(hits) > 0 == patched || !patched && hits[0] != at[from] {
			t.Fatalf("%d of %q is %v by %v", from, s, hits, p)
		}
	}
}

// What is decoded stays as it is when there is no more room, and room is given back.
func TestReserve(t *testing.T) {
	s := &search{}
	mark := len(s.arena)
	var texts []string
	for i := range 20 {
		s.reserve(1 << i)
		texts = append(texts, s.decoded(append(s.arena, strings.Repeat(string(rune('a'+i)), 1<<i)...), len(s.arena)))
	}
	for i, text := range texts {
		if strings.Trim(text, string(rune('a'+i))) != "" || len(text) != 1<<i {
			t.Errorf("text %d has changed", i)
		}
	}
	late := len(s.arena)
	s.reserve(keptArena + 1)
	s.drop(late)
	if s.drop(mark); len(s.arena) != 0 {
		t.Errorf("%d bytes are kept", len(s.arena))
	}
	s.reserve(2 * keptArena)
	s.decoded(append(s.arena, make([]byte, keptArena+1)...), len(s.arena))
	late = len(s.arena)
	s.reserve(keptArena) // elsewhere, in less room
	if s.drop(late); len(s.arena) != 0 {
		t.Errorf("%d bytes are there that nobody decoded", len(s.arena))
	}
}

func TestSpaced(t *testing.T) {
	for in, want := range map[string]string{
		"a+b": "a+b", "a+b c%20d+e f+g": "a+b c%20d e f+g", `"x+y" "a+%41" "x+y"`: `"x+y" "a %41" "x+y"`, "+%4+": "+%4+", "+%4x+%41+": " %4x %41 ", `a+b\c%20d+e`: `a+b\c%20d e`, "<+>%41+": "<+>%41 ",
	} {
		got, p := spaced([]byte("before "), in)
		if string(got) != "before "+want || (len(p) > 0) != (in != want) {
			t.Errorf("%q became %q, want %q; %v", in, got, want, p)
		}
	}
}

// No place is gone back over twice, however many parts are in one block or its padding.
func TestBlocks(t *testing.T) {
	for _, filler := range []string{"=", "A", " ", "\\", "\n", ".", "A=", "A.", "= "} {
		text := strings.Repeat(filler, 40)
		until := 0
		for at := 0; at < len(text); at += 3 {
			if at < until {
				continue
			}
			low := until
			var from int
			if from, until = blocks(text, low, scan.Span{From: at, To: at}); from < low || until <= at {
				t.Fatalf("%q: from %d to %d, at %d behind %d", filler, from, until, at, low)
			}
			if filler == "A" && from > 0 {
				t.Errorf("a block begins at %d", from)
			}
		}
	}
	if from, until := blocks("x.QUJD\nREVG==.y", 0, scan.Span{From: 13, To: 13}); from != 2 || until != 14 {
		t.Errorf("%d to %d", from, until)
	}
}
