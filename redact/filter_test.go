package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact/scan"
)

var testEngine = sync.OnceValues(func() (*scan.Engine, error) {
	return scan.New(scan.Options{Extra: []scan.Rule{{ID: "acme-key", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}}}})
})

// Secrets of rules, put together so that no scanner of this repository finds them.
const (
	acme   = "acme_" + "0123456789abcdef0123456789abcdef"
	github = "ghp_" + "0123456789abcdefABCDEF0123456789abcd"
)

func filter(tb testing.TB, change ...func(*FilterOptions)) *Filter {
	tb.Helper()
	e, err := testEngine()
	if err != nil {
		tb.Fatal(err)
	}
	o := FilterOptions{Engine: e, Key: []byte("a key of thirty-two bytes, or so")}
	for _, c := range change {
		c(&o)
	}
	f, err := NewFilter(o)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// apply is what becomes of a result's body.
func apply(tb testing.TB, f *Filter, body string, change ...func(*ostiary.Call)) (string, *ostiary.Result, error) {
	tb.Helper()
	c := &ostiary.Call{ID: "c1", Upstream: "files", Method: "tools/call", Class: ostiary.ClassTool, Target: "read"}
	for _, ch := range change {
		ch(c)
	}
	r := &ostiary.Result{Status: ostiary.StatusOK, Body: []byte(body)}
	err := f.Apply(tb.Context(), c, r)
	if string(r.Body) != body && !json.Valid(r.Body) {
		tb.Fatalf("%s became %s", body, r.Body)
	}
	return string(r.Body), r, err
}

func text(s string) string {
	b, _ := json.Marshal(s)
	return `{"content":[{"type":"text","text":` + string(b) + `}]}`
}

func TestFilter(t *testing.T) {
	f := filter(t)
	b64 := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct{ body, want string }{
		"nothing":          {text("nothing to see"), text("nothing to see")},
		"plain":            {text("it is " + github + ", ok"), text("it is [REDACTED:github-pat], ok")},
		"escapes stay":     {`{"text":"a\u00e9\/\n` + acme + `\ud83d\ude00\t"}`, `{"text":"a\u00e9\/\n[REDACTED:acme-key]\ud83d\ude00\t"}`},
		"escaped":          {`["\u0061cme_\u0030123456789abcdef0123456789abcdef"]`, `["[REDACTED:acme-key]"]`},
		"key":              {`{"` + acme + `":1,"` + github + `":2}`, `{"[REDACTED:acme-key]":1,"[REDACTED:github-pat] (2)":2}`},
		"numbers stay":     {`{"n":12345678901234567890.10,"k":"` + acme + `"}`, `{"n":12345678901234567890.10,"k":"[REDACTED:acme-key]"}`},
		"zero width":       {text("acme_\u200b0123456789ab\u200dcdef0123456789abcdef!"), text("[REDACTED:acme-key]!")},
		"tag in keyword":   {text("ac\U000e0041me_0123456789abcdef0123456789abcdef"), text("[REDACTED:acme-key]")},
		"escaped hidden":   {`["acm\u200be_0123456789abcdef0123456789abcdef"]`, `["[REDACTED:acme-key]"]`},
		"escaped tag":      {`["acm\udb40\udc41e_0123456789abcdef0123456789abcdef"]`, `["[REDACTED:acme-key]"]`},
		"ansi":             {`["acme_\u001b[31m0123456789abcdef0123456789abcdef"]`, `["[REDACTED:acme-key]"]`},
		"url":              {text("x?" + strings.ReplaceAll(url.QueryEscape(acme), "_", "%5F") + "&y"), text("x?[REDACTED:acme-key]&y")},
		"base64":           {text("data: " + b64([]byte("see "+acme+"; done!"))), text("data: c2Vl[REDACTED:acme-key]IGRvbmUh")},
		"base64 glued":     {text("x/y/z" + b64([]byte("the key is "+acme+" and more text"))), ""},
		"base64 of utf-16": {text(b64([]byte(wide("the key is " + acme + " and more text")))), ""},
		"base64 in lines":  {text(folded(b64([]byte(strings.Repeat("some words ", 5) + acme + strings.Repeat(" more words", 5))))), ""},
		"nested":           {text(`{"a":"` + acme + `","b":[1]}`), text(`{"a":"[REDACTED:acme-key]","b":[1]}`)},
		"nested escaped":   {text(`{"a":"\u0061cme_0123456789abcdef0123456789abcdef"}`), text(`{"a":"[REDACTED:acme-key]"}`)},
		"nested twice":     {text(quoted(`["\u0061cme_0123456789abcdef0123456789abcdef"]`)), ""},
		"marker stays":     {text("[REDACTED:acme-key] and [REDACTED:key]"), text("[REDACTED:acme-key] and [REDACTED:key]")},
		"no marker":        {text("[REDACTED:" + acme + "]"), text("[REDACTED:[REDACTED:acme-key]]")},
		"image":            {`{"content":[{"type":"image","data":"` + b64([]byte("the key is "+acme)) + `"}]}`, `{"content":[{"type":"image","data":"` + b64([]byte("the key is "+acme)) + `"}]}`},
		"no image":         {`{"content":[{"type":"image","data":"` + acme + `"}]}`, `{"content":[{"type":"image","data":"[REDACTED:acme-key]"}]}`},
		"error":            {`{"code":-1,"message":"` + acme + `","data":{"a":["` + github + `"]}}`, `{"code":-1,"message":"[REDACTED:acme-key]","data":{"a":["[REDACTED:github-pat]"]}}`},
		"cache":            {`{"cacheScope":"public","contents":[{"text":"` + acme + `"}]}`, `{"cacheScope":"private","contents":[{"text":"[REDACTED:acme-key]"}]}`},
		"cache stays":      {`{"cacheScope":"public","contents":[{"text":"x"}]}`, `{"cacheScope":"public","contents":[{"text":"x"}]}`},
	} {
		got, r, err := apply(t, f, c.body)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && got != c.want:
			t.Errorf("%s: %s\nbecame %s\nwant   %s", name, c.body, got, c.want)
		case c.want == "" && !strings.Contains(got, "[REDACTED:acme-key]"):
			t.Errorf("%s: %s\nbecame %s", name, c.body, got)
		case (got == c.body) != (len(r.Findings) == 0):
			t.Errorf("%s: found %v", name, r.Findings)
		}
		if again, _, _ := apply(t, f, got); again != got {
			t.Errorf("%s: %s\nthen   %s", name, got, again)
		}
	}
}

func quoted(s string) string { b, _ := json.Marshal([]string{s}); return string(b) }

func wide(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

func folded(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return b.String() + s
}

func TestFilterAssigned(t *testing.T) {
	f := filter(t)
	const password = "Zk3-9fQ2xL7wPq8v"
	for _, c := range []struct{ body, want string }{
		{`{"db_password":"` + password + `","user":"app"}`, `"user":"app"`},
		{`{"pa\u0073sword":"` + password + `"}`, ""},
		{`{"api_keys":["` + password + `"]}`, ""},
		{text(`{"db_password": "` + password + `"}`), ""},
		{text(`{"id": 7, "db_password":"` + password + `", "other": "plain"}`), "plain"},
		{text(`{"db_pa\u0073sword": "` + password + `"}`), ""},
		{text("{\"db_password\"\n\t\t\t: \n\n \t\t\t\"" + password + `"}`), ""},
		{text(`{"db_passwords": ["` + password + `"]}`), ""},
		{text(`{"kind":"token","client_secret_id":"` + password + `"}`), "client_secret_id"},   // a value for a rule's own reading of the text
		{text(`{"a":"--mount=type=secret,","api_key":"` + password + `"}`), "--mount"},         // its line is excused
		{text(github + ` {"db_passwords" : ["` + password + `"]}`), "[REDACTED:github-pat] {"}, // opens as JSON does once that is gone
		{text(" " + github + ` {"db_passwords" : ["` + password + `"]}`), "[REDACTED:github-pat] {"},
		{text(quoted(`{"api_secret":"` + password + `"}`)), ""},
		{`{"env":[{"name":"MODE","value":"plain-42-words"},{"name":"DB_PASSWORD","value":"` + password + `"}]}`, `"value":"plain-42-words"`},
		{text(`[{"name": "DB_PASSWORD", "optional": {"a": ["b"]}, "value": "` + password + `"}, {"name": "MODE", "value": "plain-42-words"}]`), `plain-42-words`},
		{text(`{"Key": "db-password", "Value": "` + password + `"}`), ""},
	} {
		got, _, err := apply(t, f, c.body)
		if err != nil || strings.Contains(got, password) || !strings.Contains(got, c.want) {
			t.Errorf("%s\nbecame %s, %v", c.body, got, err)
		}
		if again, _, _ := apply(t, f, got); again != got {
			t.Errorf("%s\nthen %s", got, again)
		}
	}
	const signs = "Tr0ub4dor&3xyzQ"
	for _, body := range []string{
		`{"api_key":"` + signs + `"}`, `{"structuredContent":{"apiKeys":["` + signs + `"],"client_secret":"Tr0ub4dor\u00263xyzQ"}}`,
		text(`{"api_key": "` + signs + `"}`), text("read:\n{\"token\" : \"" + signs + "\"}\n"), text(quoted(`{"api_key":"` + signs + `"}`)),
		text(`[{"name":"API_KEY","value":"` + signs + `"}]`),
	} {
		if got, r, err := apply(t, f, body); err != nil || strings.Contains(got, "3xyzQ") || r.Found == 0 {
			t.Errorf("%s\nbecame %s, %v", body, got, err)
		}
	}
}

// TestFilterDeep: how deep a text of JSON goes, and how long a key over many values is,
// does not multiply with how many values there are.
func TestFilterDeep(t *testing.T) {
	f := filter(t)
	const value, n = "Zk3-9fQ2xL7wPq8v", 100_000
	for _, body := range []string{
		text(`{"db_passwords":` + strings.Repeat("[", n) + strings.Repeat(`"token",`, n) + `"` + value + `"` + strings.Repeat("]", n) + `}`),
		`{"` + strings.Repeat("password.", 440) + `":[` + strings.Repeat(`"a",`, n) + `"` + value + `"]}`,
	} {
		got, _, err := apply(t, f, body)
		if err != nil || strings.Contains(got, value) {
			t.Errorf("%.60s… stays, %v", body, err)
		}
	}
}
