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
		base = s.visible(text)
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
		dst = s.runs(dst, base, 0, len(base), views)
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

// once is a text with one of its bytes as something else may have written it.
func once(r *rand.Rand, s string) string {
	at := r.IntN(len(s))
	if s[at] >= 0x80 {
		return s
	}
	switch r.IntN(5) {
	case 0:
		return s[:at] + fmt.Sprintf("\\u%04x", s[at]) + s[at+1:]
	case 1:
		return s[:at] + "\u200b" + s[at:]
	case 2:
		return s[:at] + "\x1b]0;title\a" + s[at:]
	}
	return s[:at] + fmt.Sprintf("%%%02x", s[at]) + s[at+1:]
}

const prose = "What a page says, in words. "

// TestLayers compares the look beside what was undone with one at all of it: in mixtures,
// in which it may find more, and where little is encoded in much else.
func TestLayers(t *testing.T) {
	e, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	parts := secretsAndParts()
	s, all := &search{engine: e, own: newIndex(ownTokens())}, &search{engine: e, own: newIndex(ownTokens())}
	r := rand.New(rand.NewPCG(3, 1))
	found := 0
	compare := func(text string) {
		s.reset()
		all.reset()
		l := lookAt(text, false)
		got := joined(s.within(nil, text, l, s.speaks(text), maxViews))
		want := joined(all.everything(nil, text, l, maxViews))
		for _, x := range want {
			if covers(got, x) {
				found++
				continue
			}
			t.Errorf("%s at %d to %d is found only in all of it, %.80q: %q", x.rule, x.start, x.end, x.plain, text)
		}
	}
	for range 1000 {
		compare(long(r, parts))
	}
	for range 1500 {
		x := once(r, parts[r.IntN(18)])
		if r.IntN(3) == 0 {
			x = once(r, x)
		}
		compare(strings.Repeat(prose, 100+r.IntN(300)) + x + "\n" + strings.Repeat(prose, r.IntN(300)))
	}
	before, behind := strings.Repeat(prose, 400), strings.Repeat(prose, 400)
	manifest := "\nkind: Secret\nmetadata:\n" + strings.Repeat("  label: value\n", 70) + "data:\n  a: zX9k2Lq8Vw4Rt6Yp0%s3nM5aJ7dS1gH8fK4e\n"
	for _, text := range []string{
		fmt.Sprintf(manifest, "%41"), fmt.Sprintf(manifest, "\u200b"), fmt.Sprintf(manifest, `\u0041`), fmt.Sprintf(manifest, "%5cu0041"),
		"ghp_zX9k2Lq8Vw4Rt6Yp0\xe2\x80%8BuB3nM5aJ7dS1gH8fK4e", "ghp_zX9k2Lq8\x1b]0;t\aVw4Rt6Yp0u\u200bB3nM5aJ7dS1gH8fK4e", "\xe4\x1bghp_zX9k2Lq8Vw4Rt6Yp0\\\x1b[31muB3nM5aJ7dS1gH8fK4e", "\xc3%41 ghp_zX9k2Lq8Vw4Rt6Y%70\\\\u0030uB3nM5aJ7dS1gH8fK4e",
	} {
		compare(before + text + " " + behind)
	}
	for _, end := range []string{"PRIVATE KE%59-----", "PRIVATE KEY%2D----", "PRIVATE KEY--\u200b---", "PRIVATE KE%2559-----", `PRIVATE KE\u0059-----`} {
		for _, line := range []string{"> %s\n", "\t\"%s\\n\" +\n", "+%s\n"} { // as mails, programs and differences have them
			key := strings.Repeat(fmt.Sprintf(line, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"), 20)
			compare(before + "-----BEGIN PRIVATE KEY-----\n" + key + "-----END " + end + "\n" + behind)
		}
	}
	compare(before + "a=%41&b=" + strings.Repeat("x", 3*apart) + "&c=Authorization:+Bearer+zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8fK4e " + behind)
	compare(`{"password":` + strings.Repeat(" ", 800) + `%22Tr0ub4dor3xyz%22}` + strings.ReplaceAll(behind, ",", ""))
	compare(`{"password":` + strings.Repeat(" ", 800) + `"Tr0ub4d%6fr3xyz","text":"` + behind + `"}`)
	if t.Logf("%d secrets", found); found < 4000 {
		t.Error("the texts say little")
	}
}

// A search is beside what is new only where that is little.
func TestFreshIn(t *testing.T) {
	text := strings.Repeat("x", 10*apart)
	if f := freshIn(text, []scan.Span{{From: 5, To: 9}, {From: 5 * apart, To: 5*apart + 3}}); f.whole || len(f.parts) != 2 {
		t.Error("two changes of a few bytes make all of a text new")
	}
	if !freshIn(text, []scan.Span{{From: 0, To: 5 * apart}}).whole || !freshIn("short", []scan.Span{{From: 1, To: 1}}).whole {
		t.Error("half of a text is new, and not all")
	}
}

// A block of base64 is looked into once, also where what stands far behind it is new.
func TestBlockIsLookedIntoOnce(t *testing.T) {
	e, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &search{engine: e, own: newIndex(ownTokens())}
	block := base64.StdEncoding.EncodeToString([]byte("see ghp_zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8fK4e there"))
	text := strings.Repeat(prose, 200) + block[:30] + fmt.Sprintf("%%%02x", block[30]) + block[31:] + strings.Repeat("=", 2*apart) + "%3D " + strings.Repeat(prose, 200)
	if found := s.within(nil, text, lookPercent, false, maxViews); len(found) != 1 || found[0].rule != "github-pat" {
		t.Errorf("found %v", found)
	}
}

// What a backslash or the first byte of a character hides is seen, where that begins nothing.
func TestLookAtHidden(t *testing.T) {
	for _, s := range []string{"\\\x1b[31m", "\\\u200b", "\xc3\x1b", "\xe4\x1b ", "\xe4a\x1b", "\xe4\x80\x1b"} {
		if lookAt(s, false)&lookHidden == 0 {
			t.Errorf("nothing is hidden in %q", s)
		}
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
