package scan

import (
	"strings"
	"testing"
)

func streamed(e *Engine, parts ...string) string {
	s := e.NewStream(func(dst []byte, f Finding, _ []byte) []byte { return append(dst, marker(f.Rule)...) })
	var out []byte
	for _, p := range parts {
		out = s.Write(out, []byte(p))
		if len(s.buf) > carry {
			return "kept too much"
		}
	}
	return string(s.Close(out))
}

// TestStreamSplits cuts a text with secrets at every place.
func TestStreamSplits(t *testing.T) {
	e := engine(t)
	filler := rep("nothing of interest stands here\n", 200)
	text := filler + "token = zX9k2Lq8Vw4Rt6Yp0uB3\nghp_" + mixed36 + " postgres://app:hunter2@db\n" + filler + "AKIAQ7RT5XK2M3LDV6HN"
	want := redacted(e, text)
	if strings.Count(want, "[REDACTED:") != 4 {
		t.Fatalf("only %q", want)
	}
	for i := range len(text) + 1 {
		if i > 100 && i < len(filler)-100 || i > len(filler)+200 && i < len(text)-100 {
			continue
		}
		if got := streamed(e, text[:i], text[i:]); got != want {
			t.Fatalf("cut at %d: %q", i, got)
		}
	}
	for _, n := range []int{1, 7, 1000} {
		var parts []string
		for at := 0; at < len(text); at += n {
			parts = append(parts, text[at:min(len(text), at+n)])
		}
		if got := streamed(e, parts...); got != want {
			t.Fatalf("in parts of %d: %q", n, got)
		}
	}
}

// TestStreamPlaces checks that the places of findings are those of the whole text.
func TestStreamPlaces(t *testing.T) {
	e := engine(t)
	text := rep("nothing of interest\n", 1000) + "ghp_" + mixed36 + rep("\nnothing", 1000)
	s := e.NewStream(func(dst []byte, f Finding, secret []byte) []byte {
		if text[f.Start:f.End] != string(secret) {
			t.Errorf("%q stands at %v", secret, f)
		}
		return dst
	})
	for at := 0; at < len(text); at += 100 {
		s.Write(nil, []byte(text[at:min(len(text), at+100)]))
	}
	s.Close(nil)
}

// TestStreamLong has secrets that are longer than what a stream keeps.
func TestStreamLong(t *testing.T) {
	e := engine(t)
	line := "MIIEpAIBAAKCAQEA0123456789abcdefMIIEpAIBAAKCAQEA0123456789abcdef\n"
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + rep(line, 1000) + "-----END RSA PRIVATE KEY-----"
	token := "eyJhbGciOiJIUzI1NiJ9.eyJ" + rep("a1B2", 200) + "." + rep("c3D4", 2000)
	for _, secret := range []string{key, token} {
		text := "before " + secret + " behind, and more of it."
		for _, n := range []int{50, 1000, 5000, len(text)} {
			var parts []string
			for at := 0; at < len(text); at += n {
				parts = append(parts, text[at:min(len(text), at+n)])
			}
			got := streamed(e, parts...)
			if !strings.HasPrefix(got, "before [REDACTED:") || !strings.HasSuffix(got, "] behind, and more of it.") || strings.Count(got, "[REDACTED:") != 1 || len(got) > 100 {
				t.Errorf("in parts of %d: %.300q", n, got)
			}
		}
	}
}

// FuzzStream checks that no part of a secret goes out, whatever stands around it
// and wherever it is cut.
func FuzzStream(f *testing.F) {
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	for i, s := range seeds() {
		f.Add(s, s, uint16(i*37), uint16(1+i*500))
	}
	const secret = "ghp_" + mixed36
	f.Fuzz(func(t *testing.T, before, behind string, cut, size uint16) {
		text := before + secret + behind
		if len(text) < int(cut) {
			text += strings.Repeat(" ", int(cut))
		}
		n := int(size)%6000 + len(text)/50 + 1
		var parts []string
		for at := 0; at < len(text); at += n {
			parts = append(parts, text[at:min(len(text), at+n)])
		}
		if got := streamed(e, parts...); strings.Contains(got, secret) {
			t.Fatalf("%q lets the secret pass in %q", parts, got)
		}
		at := int(cut) % len(text)
		if got := streamed(e, text[:at], text[at:]); strings.Contains(got, secret) {
			t.Fatalf("cut at %d of %q: %q", at, text, got)
		}
	})
}
