package validate

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

func judgeURL(t testing.TB, u *URL) func(string) error {
	t.Helper()
	j, err := u.compile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return func(s string) error { return j(context.Background(), s) }
}

func TestURLAllows(t *testing.T) {
	judge := judgeURL(t, &URL{Hosts: []string{"api.example.com", "*.Example.org", "xn--bcher-kva.example", "192.0.2.7", "[2001:db8::1]", "localhost"}})
	for _, s := range []string{
		"https://api.example.com", "https://API.example.com/", "HTTPS://api.example.com:443/a?b=c#d", "https://a.example.org/%20", "https://a.b.example.org",
		"https://xn--bcher-kva.example/", "https://192.0.2.7/", "https://[2001:db8::1]/x", "https://[2001:db8::1]:443/", "https://localhost",
		"https://api.example.com?q=https://evil.example@x", "https://api.example.com/a@b:c",
	} {
		if err := judge(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	anywhere := judgeURL(t, &URL{Schemes: []string{"http", "https"}, Hosts: []string{"*"}, Ports: []int{8080, 443}})
	for s, ok := range map[string]bool{
		"http://example.com:8080/": true, "https://example.com/": true, "http://example.com/": false, "https://localhost/": false,
		"https://intranet/": false, "https://10.0.0.1/": false, "https://metadata.google.internal/": false, "https://xn--e1afmkfd.example/": false,
	} {
		if err := anywhere(s); (err == nil) != ok {
			t.Errorf("%s: %v, want allowed %t", s, err, ok)
		}
	}
}

// TestURLAttacks has a positive control for each: a check that looks for the
// allowed host in the text, or takes Go's parser at its word, lets it pass.
func TestURLAttacks(t *testing.T) {
	judge := judgeURL(t, &URL{Hosts: []string{"example.com", "*.example.com"}})
	contains := func(s string) bool { return strings.Contains(s, "example.com") }
	parses := func(s string) bool { _, err := url.Parse(s); return err == nil }
	for s, control := range map[string]func(string) bool{
		"https://example.com@evil.example/":                       contains,
		"https://example.com:pw@evil.example/":                    contains,
		"https://evil.example/example.com":                        contains,
		"https://evil.example#.example.com":                       contains,
		"https://evilexample.com/":                                contains,
		"https://example.com.evil.example/":                       contains,
		`https://evil.example\@example.com/`:                      contains,
		`https://evil.example\.example.com/`:                      contains,
		"https://example.com\x00.evil.example/":                   contains,
		"https://example.com\r\nHost: evil.example/":              contains,
		"https://exam\tple.com.evil.example/":                     nil,
		" https://example.com/":                                   contains,
		"https://example.com /":                                   contains,
		"http://example.com/":                                     contains,
		"ftp://example.com/":                                      contains,
		"javascript://example.com/%0aalert(1)":                    contains,
		"file://example.com/etc/passwd":                           contains,
		"https:example.com":                                       parses,
		"https:/example.com":                                      parses,
		"https:///example.com":                                    parses,
		"//example.com/":                                          parses,
		"https://":                                                parses,
		"https://?x=example.com":                                  parses,
		"https://2130706433/":                                     parses,
		"https://0x7f000001/":                                     parses,
		"https://0x7f.1/":                                         parses,
		"https://0177.0.0.1/":                                     parses,
		"https://127.1/":                                          parses,
		"https://127.0.0.1/":                                      parses,
		"https://127.0.0.1./":                                     parses,
		"https://[::1]/":                                          parses,
		"https://[::ffff:127.0.0.1]/":                             parses,
		"https://[fe80::1%25eth0]/":                               parses,
		"https://%65xample.com/":                                  nil,
		"https://exampl%65.com/":                                  nil,
		"https://example.com%2eevil.example/":                     contains,
		"https://example.com./":                                   parses,
		"https://.example.com/":                                   parses,
		"https://a..example.com/":                                 parses,
		"https://-a.example.com/":                                 parses,
		"https://a_b.example.com/":                                parses,
		"https://xn--a.example.com/":                              parses,
		"https://ab--c.example.com/":                              parses,
		"https://ex\u00e4mple.com/":                               parses,
		"https://example\u3002com/":                               parses,
		"https://\uff45xample.com/":                               parses,
		"https://example.com:/":                                   parses,
		"https://example.com:0443/":                               parses,
		"https://example.com:8443/":                               parses,
		"https://example.com:22/":                                 parses,
		"https://example.com:99999/":                              parses,
		"https://example.com/%zz":                                 contains,
		"https://example.com/" + strings.Repeat("a", maxURLBytes): parses,
		"": parses,
	} {
		if control != nil && !control(s) {
			t.Errorf("%.60q: the attack does not work without the guard, so it proves nothing", s)
		}
		err := judge(s)
		if !errors.Is(err, ostiary.CodeValidateURL) {
			t.Errorf("%.60q: %v", s, err)
		} else if msg := ostiary.AsError(err).Message; strings.Contains(msg, "evil") {
			t.Errorf("%.60q: the message repeats the value: %s", s, msg)
		}
	}
}

func TestURLCompileErrors(t *testing.T) {
	for want, u := range map[string]*URL{
		"no hosts":        {},
		"not supported":   {Schemes: []string{"gopher"}, Hosts: []string{"a.example"}},
		"letters":         {Hosts: []string{"exa*mple.com"}},
		"number":          {Hosts: []string{"127.1"}},
		"no names below":  {Hosts: []string{"*.192.0.2.1"}},
		"port":            {Hosts: []string{"a.example"}, Ports: []int{70000}},
		"letters, digits": {Hosts: []string{"https://a.example"}},
	} {
		_, err := Compile(Argument{Pointer: "/u", URL: u}, toolWith(""), Options{})
		wantCode(t, err, ostiary.CodeConfigInvalid)
		wantMessage(t, err, want)
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"https://example.com/", "https://a.example.com:443/x?y#z", "https://example.com@evil/", "https://[::1]/", "https://127.1"} {
		f.Add(s)
	}
	judge := judgeURL(f, &URL{Hosts: []string{"example.com", "*.example.com"}})
	f.Fuzz(func(t *testing.T, s string) {
		if judge(s) != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil {
			t.Fatalf("%q was allowed and does not parse: %v", s, err)
		}
		host := strings.ToLower(u.Hostname())
		if host != "example.com" && !strings.HasSuffix(host, ".example.com") || u.User != nil || strings.ToLower(u.Scheme) != "https" {
			t.Fatalf("%q was allowed and leads to %q", s, host)
		}
	})
}
