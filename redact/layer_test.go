package redact

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/redact/scan"
	"github.com/ostiary/ostiary/wire"
)

// everything is within with a look at all of each text, whatever is new in it.
func (s *search) everything(dst []secret, text string, l look, views int) []secret {
	base := text
	if l&lookHidden != 0 {
		dst = s.rules(dst, text)
		if views > 0 {
			dst = s.inside(dst, text, text, view{0x1b, stringOne}, views)
		}
		base, _ = s.visible(text)
	}
	from := len(dst)
	dst = s.rules(dst, base)
	if views > 0 {
		dst = s.members(dst, base, views)
		if l&lookPercent != 0 {
			dst = s.inside(dst, base, base, view{'%', percentOne}, views)
			form, _ := spaced(nil, base)
			dst = s.inside(dst, base, string(form), view{'%', percentOne}, views)
		}
		if l&lookNested != 0 {
			dst = s.inside(dst, base, base, view{'\\', escapeOne}, views)
		}
		dst, _ = s.runs(dst, base, 0, len(base), views)
	}
	if len(base) != len(text) {
		back(text, dst[from:], view{0, visibleOne})
	}
	return dst
}

// inside is everything of a text in which an encoding is undone; source is as long.
func (s *search) inside(dst []secret, source, text string, v view, views int) []secret {
	b, p := v.undo(nil, text)
	if len(p) == 0 {
		return dst
	}
	from := len(dst)
	dst = s.everything(dst, string(b), lookAt(string(b), false), views-1)
	back(source, dst[from:], v)
	return dst
}

// secretsAndParts are fake secrets, some of them long, and what is a part of one.
func secretsAndParts() []string {
	const mixed = "zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8fK4e"
	lines := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 40)
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + strings.Repeat("c2lnbmF0dXJl", 4)
	all := []string{
		"ghp_" + mixed, "AKIAQ7RT5XK2M3LDV6HN", "sk-" + mixed, "Authorization: Bearer " + mixed, "password=hunter22trustno1", "token: " + mixed, jwt,
		`{"name":"DB_PASSWORD","value":"Tr0ub4dor&3xyz"}`, `{"password":"correct horse battery", "user":"me"}`, "https://user:s3cretpassw0rd@example.com/a?b=c d",
		"-----BEGIN PRIVATE KEY-----\n" + lines + "-----END PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----" + strings.ReplaceAll(lines, "\n", "") + "-----END RSA PRIVATE KEY-----",
		"curl -H 'X: y' \\\n --header 'Authorization: Bearer " + mixed + "' https://example.com", "kind: Secret\nmetadata:\n  name: x\ndata:\n  a: " + mixed + "\n",
		"Cookie: sid=" + mixed + "; theme=dark", "aws_secret_access_key = " + mixed + "aB3d", "postgres://me:pa55word@db.example.com/x", "xoxb-123456789012-123456789012-" + mixed[:24],
		"password", "secret", "api_key", "token = ", "Bearer ", "ghp_", mixed, mixed[:12], "-----BEGIN ", "PRIVATE KEY-----", lines[:300], "eyJhbGciOiJIUzI1NiJ9.", "curl ", "kind: Secret", "\ndata:\n", "Cookie: ", "a word", "[REDACTED:jwt]",
	}
	for _, x := range all[:18] {
		b := base64.StdEncoding.EncodeToString([]byte(x))
		all = append(all, b, broken(b, 76), broken(b, 20))
	}
	return all
}

// broken is a text in lines.
func broken(s string, n int) string {
	var b strings.Builder
	for ; len(s) > n; s = s[n:] {
		b.WriteString(s[:n] + "\n")
	}
	return b.String() + s
}

// wrapped is a secret as something else may hold it.
func wrapped(r *rand.Rand, s string) string {
	for ways := r.IntN(3); ways > 0; ways-- {
		switch r.IntN(6) {
		case 0:
			s = url.QueryEscape(s)
		case 1:
			s = url.PathEscape(s)
		case 2:
			s = string(wire.Quote(s))
		case 3:
			var b strings.Builder
			for i := range len(s) {
				if r.IntN(9) == 0 {
					fmt.Fprintf(&b, "%%%02x", s[i])
				} else {
					b.WriteByte(s[i])
				}
			}
			s = b.String()
		case 4:
			var b strings.Builder
			for i := range len(s) {
				if r.IntN(9) == 0 && s[i] < 0x80 {
					fmt.Fprintf(&b, "\\u%04x", s[i])
				} else {
					b.WriteByte(s[i])
				}
			}
			s = b.String()
		default:
			ways = 0 // more of it would hide what hides
			at := r.IntN(len(s) + 1)
			for at < len(s) && s[at]&0xc0 == 0x80 {
				at++ // not within a character
			}
			s = s[:at] + []string{"\u200b", "\x1b[31m", "\x1b]0;title\a", "\r", "%E2%80%8B", `\u200b`, `\r`}[r.IntN(7)] + s[at:]
		}
	}
	return s
}

// long is a text in which secrets, and what comes near to them, stand far from each other.
func long(r *rand.Rand, parts []string) string {
	var b strings.Builder
	if r.IntN(8) == 0 {
		b.WriteString(`{"a":"`)
	}
	for range 2 + r.IntN(12) {
		switch r.IntN(5) {
		case 0:
			b.WriteString(strings.Repeat([]string{"words of a text, ", "line\n", "a ", "x", "AbcdEfgh", "+", " ", `","b":"`}[r.IntN(8)], r.IntN(400)))
		case 1:
			b.WriteString(strings.Repeat([]string{"What a page says. ", "func f() { return nil }\n", "12345678"}[r.IntN(3)], r.IntN(300)))
		default:
			b.WriteString(wrapped(r, parts[r.IntN(len(parts))]))
		}
		b.WriteString([]string{"", " ", "\n", "\"", "=", ":", "-", "%20", "\\n", "\\"}[r.IntN(10)])
	}
	return b.String()
}

// TestLayers compares the look beside what was undone with one at all of it.
func TestLayers(t *testing.T) {
	e, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	parts := secretsAndParts()
	s, all := &search{engine: e, own: newIndex(ownTokens())}, &search{engine: e, own: newIndex(ownTokens())}
	r := rand.New(rand.NewPCG(3, 1))
	found := 0
	for range 2000 {
		s.reset()
		all.reset()
		text := long(r, parts)
		l := lookAt(text, false)
		got := s.within(nil, text, l, s.speaks(text), maxViews)
		want := all.everything(nil, text, l, maxViews)
		for _, x := range joined(want) {
			if covers(joined(got), x) {
				found++
				continue
			}
			t.Errorf("%s at %d to %d is found only in all of it, %.80q: %q", x.rule, x.start, x.end, x.plain, text)
		}
	}
	t.Logf("%d secrets", found)
	if found < 5000 {
		t.Error("the texts say little")
	}
}

// covers reports whether all of a secret is part of what was found.
func covers(found []secret, x secret) bool {
	for _, f := range found {
		if f.start <= x.start && x.start < f.end {
			x.start = f.end
		}
	}
	return x.start >= x.end
}
