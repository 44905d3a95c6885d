package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/wire"
)

// hiding are characters and sequences that nobody sees.
func hiding() []string {
	some := []string{"\x1b]0;a title\x07", "\x1b]8;;https://example.org/\x1b\\", "\x1bPq\x1b\\", "\x1b[0m", "\r", "\x00", "\u0085"}
	for _, r := range []rune{
		0xad, 0x600, 0x605, 0x61c, 0x6dd, 0x70f, 0x890, 0x891, 0x8e2, 0x200b, 0x2028, 0x2029, 0x202e, 0xfdd0, 0xfdef, 0xfeff, 0xfffe, 0xffff,
		0x110bd, 0x110cd, 0x13430, 0x13438, 0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0x1fffe, 0xe0000, 0xe0041, 0xe0400, 0xe0fff, 0x10ffff,
	} {
		some = append(some, string(r))
	}
	return some
}

func TestHides(t *testing.T) {
	f := filter(t)
	check := func(body, secret string) {
		t.Helper()
		got, r, err := apply(t, f, body)
		if err != nil || r.Found == 0 || strings.Contains(got, secret) {
			t.Errorf("%q became %q, %v", body, got, err)
		}
		if again, _, _ := apply(t, f, got); again != got {
			t.Errorf("%q then %q", got, again)
		}
	}
	for _, h := range hiding() {
		// As it stands as far as JSON has it, and all of it as escapes.
		var escaped strings.Builder
		for _, c := range h {
			if c > 0xffff {
				fmt.Fprintf(&escaped, `\u%04x\u%04x`, 0xd800+(c-0x10000)>>10, 0xdc00+(c-0x10000)&0x3ff)
			} else {
				fmt.Fprintf(&escaped, `\u%04x`, c)
			}
		}
		plain, _ := json.Marshal(h)
		for _, h := range []string{escaped.String(), string(plain[1 : len(plain)-1]), h} {
			if !json.Valid([]byte(`"` + h + `"`)) {
				continue
			}
			for _, at := range []int{2, 12} {
				check(`["it is `+acme[:at]+h+acme[at:]+` there"]`, acme[at:])
			}
			check(`["`+github+h+`word"]`, github) // it ends the secret
			check(`{"pass`+h+`word":"Zk3-9fQ2xL7wPq8v"}`, "Zk3-9fQ2xL7wPq8v")
		}
	}
	// What stands in a string of a terminal is not lost, and one without an end hides nothing.
	check(text("a \x1b]0;"+acme[:9]+"\u200b"+acme[9:]+"\x07 b"), acme[9:])
	check(text("a \x1b]0;"+acme+" b"), acme)
	check(text("a\r\n"+acme+"\r\nb"), acme)
}

func TestPercentBlank(t *testing.T) {
	f := filter(t)
	key := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n", 4)
	for _, c := range []struct{ plain, secret string }{
		{"-----BEGIN " + "PRIVATE KEY-----\n" + key + "-----END " + "PRIVATE KEY-----\n", "MIIEvQIBADAN"},
		{"Authorization: Basic YWRtaW46VHIwdWI0ZG9yM3p6", "YWRtaW46VHIw"},
		{"curl -u admin:Tr0ub4dor3zz https://x.com", "Tr0ub4dor3zz"},
	} {
		path := strings.NewReplacer(" ", "%20", "\n", "%0A").Replace(c.plain)
		for how, s := range map[string]string{
			"path": path, "words": "see " + path + " there", "form": url.QueryEscape(c.plain), "twice": url.QueryEscape(path),
			"plus": strings.NewReplacer("%20", "+").Replace(path) + "%20",
		} {
			got, r, err := apply(t, f, text(s))
			if err != nil || r.Found == 0 || strings.Contains(got, c.secret) {
				t.Errorf("%s: %q became %q, %v", how, s, got, err)
			}
			if again, _, _ := apply(t, f, got); again != got {
				t.Errorf("%q then %q", got, again)
			}
		}
	}
	for _, escaped := range []string{`acme\u00255f`, `acme\u005cu005f`, `acme\u005c\u005cu005f`} { // whose sign is an escape of the literal
		body := `{"content":[{"type":"text","text":"` + escaped + acme[len("acme_"):] + `"}]}`
		if got, r, _ := apply(t, f, body); r.Found == 0 || strings.Contains(got, acme[len("acme_"):]) {
			t.Error(escaped, got)
		}
	}
	for _, h := range []string{"%E2%80%8B", "%00", "%1B%5D0%3Bx%07"} {
		if got, r, _ := apply(t, f, text(acme[:12]+h+acme[12:])); r.Found == 0 || strings.Contains(got, acme[12:]) {
			t.Error(h, got)
		}
	}
	same := text("https://example.org/a%20b+c?q=100%25&name=J%C3%BCrgen")
	if got, _, _ := apply(t, f, same); got != same {
		t.Error(got)
	}
}

func TestBase64Lines(t *testing.T) {
	f := filter(t)
	b64 := base64.StdEncoding.EncodeToString([]byte("some words before " + acme + " and some behind it"))
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("words ", 20) + acme + strings.Repeat(" words", 20)))
	for _, size := range []int{20, 21, 23, 24, 32, 40, 59, 60, 64, 76} {
		for _, c := range []string{b64, long} {
			for _, end := range []string{"\n", "\r\n", "\n  ", " "} {
				s := c[:size]
				for rest := c[size:]; rest != ""; rest = rest[min(size, len(rest)):] {
					s += end + rest[:min(size, len(rest))]
				}
				if len(c) < 2*size {
					continue
				}
				for how, s := range map[string]string{
					"plain": s, "among": "a text\n" + s + "\nand more", "nested": quoted(s), "nested twice": quoted(quoted(s + "\n")),
					"nested among": quoted("a text\n" + s + "\nand more"),
				} {
					got, r, err := apply(t, f, text(s))
					if err != nil || r.Found == 0 {
						t.Errorf("%d %q %s: %q became %q, %v", size, end, how, s, got, err)
					}
					if again, _, _ := apply(t, f, got); again != got {
						t.Errorf("%q then %q", got, again)
					}
				}
			}
		}
	}
	// What stands around the lines stays.
	s := quoted("a text\n" + b64[:20] + "\n" + b64[20:40] + "\n" + b64[40:60] + "\n" + b64[60:80] + "\n" + b64[80:] + "\nand more")
	got, _, _ := apply(t, f, text(s))
	if !strings.Contains(got, `[\"a text\\n`+b64[:20]) || !strings.Contains(got, `\\nand more\"]`) {
		t.Error(got)
	}
}

// FuzzVisible holds it against a look at one character after the other.
func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "plain words of a text", "a\u200bb", "12345678\x7f9", "12345678\x1b[31mred\x1b", "\r\n\r", "\x80\x80\u200b", "größer\ufeff", "\xe2\x80", "日本語\u2060日本", "1234567\t\n\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := []byte("before ")
		for i := 0; i < len(s); {
			var used int
			want, used = visibleOne(want, s[i:])
			i += used
		}
		if got, _ := visible([]byte("before "), s); string(got) != string(want) {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
	})
}

// FuzzLookInside holds what a walk saw against a look at each literal.
func FuzzLookInside(f *testing.F) {
	for _, s := range []string{`["a\\u0041","\\\"","\\\\n","\\\n","\\/","%41"]`, `{"a\nb":"\u200b"}`, "[\"\x7f\",\"\\\\", `["\\u`, `["\\`, `["\\\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := wire.Texts(body)
		for w.Read(wire.NewReading(&sync.Pool{})); w.Next(); {
			inside := string(body[w.Start()+1 : w.End()-1])
			if got, want := lookInside(inside, w.Seen()), lookAt(inside, true); got != want {
				t.Fatalf("%q: %b, want %b", inside, got, want)
			}
		}
	})
}
