package gateway

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/redact/scan"
)

const (
	aKey   = "ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"
	aBlock = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X\n" +
		"4y5Z6a7B8c9D0e1F2g3H4i5J6k7L8m9N0o1P2q3R4s5T6u7V8w9X0y1Z2a3B4c5D\n-----END RSA PRIVATE KEY-----\n"
)

// cleaner has the rules of results, and one known secret.
func cleaner(t testing.TB) *Cleaner {
	t.Helper()
	e, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	known, err := redact.New(redact.Options{Known: []string{"our-own-credential"}})
	if err != nil {
		t.Fatal(err)
	}
	return &Cleaner{Line: known.Text, Streams: func() []Wash {
		rules := e.NewStream(func(dst []byte, f scan.Finding, _ []byte) []byte { return append(dst, "[REDACTED:"+f.Rule+"]"...) })
		return []Wash{known.KnownStream(), rules, known.TextStream()}
	}}
}

// TestStandardErrorIsClean: secrets are found whatever the pieces in which they come,
// in what is shown and in the last words of a crash; the control is the same without.
func TestStandardErrorIsClean(t *testing.T) {
	said := "starting with " + aKey + "\nand our-own-credential\n" + aBlock + "ready\n"
	for _, size := range []int{1, 7, 100, 1 << 20} {
		for _, most := range []int{1 << 16, 40} {
			for _, clean := range []bool{true, false} {
				var out syncBuffer
				s := newStderrTail(&out, "up", most)
				if clean {
					s.clean(cleaner(t))
				}
				for part := range slices.Chunk([]byte(said), size) {
					if _, err := s.Write(part); err != nil {
						t.Fatal(err)
					}
				}
				s.finish(true)
				got := out.String()
				leaks := strings.Contains(got, aKey) || strings.Contains(got, "our-own-credential") || strings.Contains(got, "4y5Z6a7B")
				if leaks == clean {
					t.Errorf("pieces of %d, %d shown, clean %t: %s", size, most, clean, got)
				}
				if clean {
					has(t, got, "[up] starting with [REDACTED:github-pat]", "[up] and [REDACTED:known]", "[up] ready\n")
				}
			}
		}
	}
}

// TestAQuietServerIsShown: what a server that goes on running said is shown without
// its end, but not the half of a private key, nor that of a line.
func TestAQuietServerIsShown(t *testing.T) {
	var out syncBuffer
	s := newStderrTail(&out, "up", 1<<16).clean(cleaner(t))
	until := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(patience); !strings.Contains(out.String(), want); {
			if time.Now().After(deadline) {
				t.Fatalf("%q is not shown: %q", want, out.String())
			}
			s.calm() // as its timer does
		}
	}
	write := func(text string) {
		t.Helper()
		if _, err := io.WriteString(s, text); err != nil {
			t.Fatal(err)
		}
	}
	write("listening\nwith gh")
	until("[up] listening\n")
	write(aKey[2:] + "\n")
	until("[up] with [REDACTED:github-pat]\n")
	half := len(aBlock) / 2
	write(aBlock[:half] + "\n")
	s.calm()
	write(aBlock[half:] + "done\n")
	until("[up] done\n")
	if strings.Contains(out.String(), "MIIE") || strings.Contains(out.String(), "0a1B2c3D") {
		t.Errorf("half a key is shown: %s", out.String())
	}
	s.finish(false)
	if _, err := io.WriteString(s, "late\n"); err != nil { // a child may still write
		t.Error(err)
	}
	s.calm()
}

// TestNoSecretIsParted: wherever in a line that is too long, at the end of what is shown
// or at the beginning of the last words a secret stands, no half of it is shown. The
// control is the same without.
func TestNoSecretIsParted(t *testing.T) {
	clean := cleaner(t)
	shows := func(said, secret string, most int, clean *Cleaner) bool {
		var out syncBuffer
		s := newStderrTail(&out, "up", most).clean(clean)
		for part := range slices.Chunk([]byte(said), 1000) {
			if _, err := s.Write(part); err != nil {
				t.Fatal(err)
			}
			if clean != nil {
				s.calm() // as its timer does
			}
		}
		s.finish(true)
		all := strings.ReplaceAll(out.String(), "\n[up] ", "")
		half := len(secret) / 2
		return strings.Contains(all, secret[half:]) || strings.Contains(all, secret[:half])
	}
	for _, c := range []struct{ text, secret string }{
		{"our-own-credential", "our-own-credential"},
		{"6F75722D6F776E2D63726564656E7469616C", "6F75722D6F776E2D63726564656E7469616C"},
		{aKey, aKey},
		{"npm_" + aKey[4:], "npm_" + aKey[4:]},
		{"https://up.example/?api_key=only-the-name-tells", "only-the-name-tells"},
	} {
		leaks := func(clean *Cleaner) (at []string) {
			said := func(before, behind int) string {
				return strings.Repeat("x", before-1) + " " + c.text + " " + strings.Repeat("y", behind)
			}
			for i := 1; i < len(c.text); i += 5 {
				for _, one := range []struct {
					what, said string
					most       int
				}{
					{"line", said(lineMost-i, 100), 1 << 16},
					{"two lines", said(2*lineMost-i, 6000), 1 << 16},
					{"a pause", said(5000-i, 100), 1 << 16},
					{"most", said(100, 9000), 100 + i},
					{"last words", said(9000, reportBytes-1-i), 100},
				} {
					if shows(one.said, c.secret, one.most, clean) {
						at = append(at, fmt.Sprint(one.what, " ", i))
					}
				}
			}
			return at
		}
		if at := leaks(clean); len(at) > 0 {
			t.Errorf("parts of %s are shown: %v", c.text, at)
		}
		if at := leaks(nil); len(at) < len(c.text)/3 {
			t.Errorf("the control shows %s only %v", c.text, at)
		}
	}
}

// TestEndlessStandardErrorIsBounded: no line end, no end of a key.
func TestEndlessStandardErrorIsBounded(t *testing.T) {
	s := newStderrTail(io.Discard, "up", 4096).clean(cleaner(t))
	for _, text := range []string{"-----BEGIN PRIVATE KEY-----\n", strings.Repeat("a", 1000), strings.Repeat("MIIE\n", 200)} {
		for range 2000 {
			if _, err := io.WriteString(s, text); err != nil {
				t.Fatal(err)
			}
		}
		if kept := cap(s.part) + cap(s.block) + cap(s.begun) + cap(s.tail); kept > 64<<10 {
			t.Errorf("%d bytes are kept", kept)
		}
	}
	s.finish(false)
}

// TestAnIDIsNoWayOut: a secret in the id of a server's request does not reach the
// client, and the server hears why; any other id comes back with the answer.
func TestAnIDIsNoWayOut(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), func(o *Options) {
		s.behind(o)
		o.Clean = cleaner(t)
	}).shaken()
	s.say(`{"jsonrpc":"2.0","id":"` + aKey + `","method":"roots/list"}`)
	s.next(`"id":"`+aKey+`"`, "holds a secret")
	s.say(`{"jsonrpc":"2.0","id":"id-7","method":"roots/list"}`)
	b.want(`"id":"id-7"`) // and nothing before it
	b.send(`{"jsonrpc":"2.0","id":"id-7","result":{"roots":[]}}`)
	s.next(`"id":"id-7"`, `"roots":[]`)
}
