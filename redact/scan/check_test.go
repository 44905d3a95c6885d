package scan

import (
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestRulesOfUsers(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		says string // "" for one that is good
	}{
		{Rule{ID: "acme-key", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}}, ""},
		{Rule{ID: "acme-key", Regex: `\b[0-9a-f]{32}\b`, Keywords: []string{"acme"}}, ""},
		{Rule{ID: "", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}}, "no name"},
		{Rule{ID: "Acme Key", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}}, "no name"},
		{Rule{ID: "github-pat", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}}, "another rule"},
		{Rule{ID: "acme-key", Regex: `acme_(?=x)`, Keywords: []string{"acme_"}}, "Look-around"},
		{Rule{ID: "acme-key", Regex: `(a|b`, Keywords: []string{"acme_"}}, "RE2"},
		{Rule{ID: "acme-key", Regex: `(acme_[0-9]{3})?`, Keywords: []string{"acme_"}}, "empty text"},
		{Rule{ID: "acme-key", Regex: `acme_.*`, Keywords: []string{"acme_"}}, "{0,200}"},
		{Rule{ID: "acme-key", Regex: `acme_[0-9]{3,}`, Keywords: []string{"acme_"}}, "greatest length"},
		{Rule{ID: "acme-key", Regex: `acme_[0-9]{1,1000}[a-z]{1,1000}[0-9]{1,1000}`, Keywords: []string{"acme_"}}, "the most is"},
		{Rule{ID: "acme-key", Regex: `acme_([a-z]{1,30}[0-9]{1,30}){1,30}`, Keywords: []string{"acme_"}}, "program"},
		{Rule{ID: "acme-key", Regex: `acme_[0-9a-f]{32}`}, "Add keywords: [acme_]"},
		{Rule{ID: "acme-key", Regex: `[0-9a-f]{32}`}, "stands near"},
		{Rule{ID: "acme-key", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"a"}}, "stands everywhere"},
		{Rule{ID: "acme-key", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}, Group: 1}, "group 1"},
		{Rule{ID: "acme-key", Regex: `acme_[0-9a-f]{32}`, Keywords: []string{"acme_"}, Entropy: 9}, "entropy"},
	} {
		e, err := New(Options{Extra: []Rule{c.rule}})
		if c.says == "" {
			if err != nil {
				t.Errorf("%+v: %v", c.rule, err)
				continue
			}
			text := "for acme: x acme_0123456789abcdef0123456789abcdef 0123456789abcdef0123456789abcdef"
			if len(e.Find(nil, text)) == 0 {
				t.Errorf("%+v finds nothing", c.rule)
			}
			continue
		}
		var refused *ostiary.Error
		if !errors.As(err, &refused) || refused.Code != ostiary.CodeConfigInvalid {
			t.Errorf("%+v: got %v, want config_invalid", c.rule, err)
			continue
		}
		if !strings.Contains(refused.Message, c.says) || !strings.Contains(refused.Message, `"`+c.rule.ID+`"`) {
			t.Errorf("%+v: it says %q, not %q", c.rule, refused.Message, c.says)
		}
	}
}

func TestRuleFiles(t *testing.T) {
	for _, c := range []struct{ file, says string }{
		{"rules = 3", "no TOML"},
		{"[[rules]]\nid='x'\nregex='(['\nkeywords=['abc']", `"x"`},
		{"[[rules]]\nid='x'\nregex='abc'\nkeywords=['abc']\n[[rules.allowlists]]\ncondition='XOR'\nregexes=['a']", "allowlist"},
		{"[[rules]]\nid='x'\nregex='abc'\nkeywords=['abc']\n[[rules.allowlists]]\nregexes=['(']", "allowlist"},
	} {
		var refused *ostiary.Error
		if _, err := New(Options{Rules: c.file}); !errors.As(err, &refused) || !strings.Contains(refused.Message, c.says) {
			t.Errorf("%q: got %v, want %q", c.file, err, c.says)
		}
	}
	e, err := New(Options{Rules: "[[rules]]\nid='x'\nregex='abc[0-9]{4}'\nkeywords=['abc']\n[[allowlists]]\ntargetRules=['x']\nregexes=['0000']"})
	if err != nil {
		t.Fatal(err)
	}
	if found := e.Find(nil, "abc0000 abc1234"); len(found) != 1 || found[0].Start != 8 {
		t.Errorf("got %v", found)
	}
}

func TestPersonal(t *testing.T) {
	e, err := New(Options{Personal: []string{"email", "phone", "card", "iban", "national-id", "ip"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, rule, found string }{
		{"to <Jane.Doe+x@mail.example.org>.", "email", "Jane.Doe+x@mail.example.org"},
		{"user@localhost and a@b and @decorator x@1.2", "", ""},
		{"call +49 (30) 1234-5678.", "phone", "+49 (30) 1234-5678"},
		{"1+12345678 and +0123456789 and +1234", "", ""},
		{"card 4111 1111 1111 1111,", "card", "4111 1111 1111 1111"},
		{"4111111111111112 is wrong, 1732193921733 a time", "", ""},
		{"IBAN DE89 3704 0044 0532 0130 00 OK", "iban", "DE89 3704 0044 0532 0130 00"},
		{"GB82WEST12345698765432", "iban", "GB82WEST12345698765432"},
		{"GB82WEST12345698765433", "", ""},
		{"SSN 536-22-8145", "national-id", "536-22-8145"},
		{"000-12-3456 666-12-3456 900-12-3456", "", ""},
		{"DNI 12345678Z", "national-id", "12345678Z"},
		{"NIE X1234567L", "national-id", "X1234567L"},
		{"12345678A", "", ""},
		{"NIR 255081416803033", "national-id", "255081416803033"},
		{"RSSMRA85T10A562S", "national-id", "RSSMRA85T10A562S"},
		{"RSSMRA85T10A562T", "", ""},
		{"Steuer-ID 86095742719", "national-id", "86095742719"},
		{"BSN 111222333", "national-id", "111222333"},
		{"PESEL 44051401359", "national-id", "44051401359"},
		{"CPF 529.982.247-25", "national-id", "529.982.247-25"},
		{"CPF 111.111.111-11 529.982.247-26", "", ""},
		{"from 203.0.113.7:443", "ip", "203.0.113.7"},
		{"at 2001:db8::8a2e:370:7334.", "ip", "2001:db8::8a2e:370:7334"},
		{"at fe80::1", "ip", "fe80::1"},
		{"v1.2.3.4 127.0.0.1 1.2.3 10:20:30 256.1.1.1 ::", "", ""},
	} {
		found := e.Find(nil, c.text)
		switch {
		case c.rule == "" && len(found) == 0:
		case c.rule != "" && len(found) == 1 && found[0].Rule == c.rule && c.text[found[0].Start:found[0].End] == c.found:
			if e.Hits(nil, []byte(c.text)) == nil {
				t.Errorf("%q: no hits", c.text)
			}
			if len(engine(t).Find(nil, c.text)) > 0 {
				t.Errorf("%q: found without being asked for", c.text)
			}
		default:
			t.Errorf("%q: got %v, want %s", c.text, found, c.rule)
		}
	}
	for _, bad := range [][]string{{"names"}, {"ip", "ip"}} {
		if _, err := New(Options{Personal: bad}); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}
