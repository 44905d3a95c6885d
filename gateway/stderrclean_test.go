package gateway

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

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
	return &Cleaner{
		Line: strings.NewReplacer("our-own-credential", "[REDACTED:known]").Replace,
		Stream: func() (func(dst, p []byte) []byte, func(dst []byte) []byte) {
			s := e.NewStream(func(dst []byte, f scan.Finding, _ []byte) []byte { return append(dst, "[REDACTED:"+f.Rule+"]"...) })
			return s.Write, s.Close
		},
	}
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
