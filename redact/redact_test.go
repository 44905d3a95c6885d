package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ostiary/ostiary"
)

func redactor(t testing.TB, known ...string) *Redactor {
	t.Helper()
	r, err := New(Options{Known: known})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestArguments(t *testing.T) {
	r := redactor(t, `hunter2"x`, "9007199254740993")
	schema := Compile([]byte(`{"properties":{"magic":{"format":"password"}}}`))
	const key, known = `"[REDACTED:key]"`, `[REDACTED:known]`
	for in, want := range map[string]string{
		`{"path":"a","n":9007199254740992,"x":1e400}`:    ``,
		` { "password" : "p" , "b" : [ 1 ] } `:           ` { "password" : ` + key + ` , "b" : [ 1 ] } `,
		`{"auth":{"user":"u","x":[1,{"y":"z"}]} ,"k":1}`: `{"auth":` + key + ` ,"k":1}`,
		`{"tokens":[1,2],"secrets":[ "a","b" ] }`:        `{"tokens":[1,2],"secrets":` + key + ` }`,
		`{"a":{"b":[{"api_key":null}]}}`:                 `{"a":{"b":[{"api_key":` + key + `}]}}`,
		`{"pass\u0077ord":"p","max_tokens":10}`:          `{"pass\u0077ord":` + key + `,"max_tokens":10}`,
		`{"magic":"abc","m\u0061gic2":true}`:             `{"magic":` + key + `,"m\u0061gic2":true}`,
		`{"text":"x hunter2\"x y"}`:                      `{"text":"x ` + known + ` y"}`,
		`{"text":"\u0068unter2\u0022x\n"}`:               `{"text":"` + known + `\n"}`,
		`{"n":9007199254740993}`:                         `{"n":"` + known + `"}`,
		`{"hunter2\"x":1}`:                               `{"` + known + `":1}`,
		`["sk-abcdefghijklmnopqrst1","ok"]`:              `["[REDACTED:provider-key]","ok"]`,
		`"hunter2\"x"`:                                   `"` + known + `"`,
		`{"a":"\ud83d\ude00 \u0000 é"}`:                  ``,
		`{"a":"😀\u0001 hunter2\"x"}`:                     `{"a":"😀\u0001 ` + known + `"}`,
		`true`:                                           ``,
		``:                                               ``,
		`{`:                                              withheld,
		`{"password":"p"} {"a":1}`:                       withheld,
		`{"password":"p}`:                                withheld,
		`{"a":01}`:                                       withheld,
		`{"a":"\x"}`:                                     withheld,
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000): withheld,
	} {
		if want == "" {
			want = in
		}
		raw := []byte(in)
		if got := string(r.Arguments(raw, schema)); got != want || string(raw) != in {
			t.Errorf("%.100s\n got %.200s\nwant %.200s", in, got, want)
		}
	}
}

// everywhere are the ways in which a credential of the configuration may be
// written; each must be found in the middle of a text.
func everywhere(s string) map[string]string {
	quoted, _ := json.Marshal(s)
	inner := func(q []byte) string { return string(q[1 : len(q)-1]) }
	twice, _ := json.Marshal(inner(quoted))
	var full, mixed, unicode strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&full, "%%%02X", s[i])
		if i%2 == 0 {
			fmt.Fprintf(&mixed, "%%%02x", s[i])
		} else {
			mixed.WriteString(url.QueryEscape(s[i : i+1]))
		}
	}
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&unicode, `\u%04x`, u)
	}
	m := map[string]string{
		"plain": s, "hex": hex.EncodeToString([]byte(s)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(s))),
		"query": url.QueryEscape(s), "lower query": lowerHex(url.QueryEscape(s)), "path": url.PathEscape(s),
		"all percent": full.String(), "mixed percent": mixed.String(), "percent twice": url.QueryEscape(url.QueryEscape(s)),
		"json": inner(quoted), "json twice": inner(twice), "unicode": unicode.String(), "json in url": url.QueryEscape(inner(quoted)),
	}
	for _, before := range []string{"", "u", "us", "user:", "x-access-token:"} {
		for _, after := range []string{"", "\x00", "\xff\xff"} {
			b := []byte(before + s + after)
			m[fmt.Sprintf("base64 %q %q", before, after)] = base64.StdEncoding.EncodeToString(b)
			m[fmt.Sprintf("base64url %q %q", before, after)] = base64.RawURLEncoding.EncodeToString(b)
			m[fmt.Sprintf("base64 in url %q %q", before, after)] = url.QueryEscape(base64.StdEncoding.EncodeToString(b))
		}
	}
	return m
}

func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// Attack: a credential in every writing. The control is a redactor that does not
// know it and leaves every text as it is.
func TestKnownInEveryWriting(t *testing.T) {
	for _, secret := range []string{`s3cr3t`, `pa ss"w/o+r\d<é>?`, `hunter2%41\n`, `0123456789`, "two\nlines", strings.Repeat("kQ8/", 30)} {
		r, control := redactor(t, secret), redactor(t)
		for how, text := range everywhere(secret) {
			in := "before " + text + " after"
			if got := control.Text(in); got != in {
				t.Fatalf("the control changes %q to %q", in, got)
			}
			got := r.Text(in)
			if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || !strings.Contains(got, "[REDACTED:known]") {
				t.Errorf("%s: %q became %q", how, in, got)
			}
			if left := len(got) - len("before [REDACTED:known] after"); left > 40 || left > 0 && !strings.HasPrefix(how, "base64") {
				t.Errorf("%s: %q became %q", how, in, got)
			}
		}
	}
}

func TestTextOfManySecrets(t *testing.T) {
	r := redactor(t, "alpha-one", "one-beta", "alpha-one-two")
	for in, want := range map[string]string{
		"nothing": "nothing", "": "", "al": "al",
		"alpha-one":               "[REDACTED:known]",
		"alpha-one-beta":          "[REDACTED:known]",
		"alpha-one-two!":          "[REDACTED:known]!",
		"alpha-onealpha-one":      "[REDACTED:known][REDACTED:known]",
		"alpha%2Done one%2dbeta%": "[REDACTED:known] [REDACTED:known]%",
		// What a redaction uncovers is redacted too.
		"alpha-onesk-abcdefghijklmnopqrst1": "[REDACTED:known][REDACTED:provider-key]",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	r = redactor(t, "]abcdef", "foobar")
	if got := r.Text("foobarabcdef"); strings.Contains(got, "]abcdef") {
		t.Errorf("the marker completes a secret: %q", got)
	}
}

func TestShapes(t *testing.T) {
	r := redactor(t)
	long := strings.Repeat("aB3", 12)
	for in, want := range map[string]string{
		"key sk-proj-" + long + ".":                   "key [REDACTED:provider-key].",
		"ghp_" + long:                                 "[REDACTED:github-token]",
		"x_ost_cap_" + long + "-_ y":                  "x_[REDACTED:capability-token] y",
		"x=github_pat_" + long:                        "x=[REDACTED:github-token]",
		"Authorization: Bearer " + long + "\n":        "Authorization: Bearer [REDACTED:bearer]\n",
		"bearer " + long + ".a-b~c/d+e==":             "bearer [REDACTED:bearer]",
		"Basic dXNlcjpwYXNz!":                         "Basic [REDACTED:basic]!",
		"id AKIAIOSFODNN7EXAMPLE.":                    "id [REDACTED:aws-key].",
		"a eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.sig b": "a [REDACTED:jwt] b",
		"a eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.":      "a [REDACTED:jwt]",
		"git clone https://me:s3@ret@host/x?y=a@b":    "git clone https://[REDACTED:url-password]@host/x?y=a@b",
		"a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb": "a\n[REDACTED:private-key]\nb",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\nMII":                                "[REDACTED:private-key]",
		"xoxb-1234567890-abc AIza" + long:                                           "[REDACTED:slack-token] [REDACTED:google-key]",
		"glpat-" + long:                                                             "[REDACTED:gitlab-token]",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if got := r.Text(want); got != want {
			t.Errorf("not idempotent: %q becomes %q", want, got)
		}
	}
	for _, in := range []string{
		"task-force-of-the-many-numbers-1234567", "sk-learn", "sk-a-long-name-without-numbers-in-it", "bearer of bad news",
		"Basic authentication", "Basic usage: none", "AKIAIOSFODNN7EXAMPL", "AKIAiosfodnn7example", "eyJ.eyJ.x", "eyJhbGciOiJub25lIn0",
		"https://host:8080/a@b", "https://user@host/", "-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "ghp_short", "ost_cap_short", "://", "a://@:",
		"bearer authentication-methods", "-----BEGIN ", "ey", "sk-",
	} {
		if got := r.Text(in); got != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, secret := range []string{"", "12345", "  12345  ", "REDACTED", "known]", "ACTED:", "url-password"} {
		_, err := New(Options{Known: []string{"a good secret", secret}})
		if !errors.Is(err, ostiary.CodeConfigInvalid) || !strings.Contains(err.Error(), "number 2") {
			t.Errorf("%q: %v", secret, err)
		}
		if len(secret) > 5 && strings.Contains(err.Error(), strings.TrimSpace(secret)) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	redactor(t, "123456")
}

// The scan is linear in texts made to be slow.
func TestHostileTextIsFast(t *testing.T) {
	r := redactor(t, strings.Repeat("a", 40), "aaaaab", "%%%%%%", `\\\\\\`)
	for _, piece := range []string{"eyJ", "eyJaaaaaaaaaa.", "a", "://", "://a:", "-----BEGIN PRIVATE KEY-----", "Bearer ", "sk-", "%", `\`, `%5C`, `\u005c`, "-----BEGIN "} {
		text := strings.Repeat(piece, 1<<20/len(piece))
		out := r.Text(text)
		if len(out) > 20*len(text) {
			t.Errorf("%q grew to %d", piece, len(out))
		}
	}
}
