package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestBearer(t *testing.T) {
	for _, tc := range []struct {
		values []string
		token  string
		code   ostiary.Code
	}{
		{nil, "", ""},
		{[]string{"Bearer abc"}, "abc", ""},
		{[]string{"bEARER   a-._~+/b=="}, "a-._~+/b==", ""},
		{[]string{"Bearer abc", "Bearer abc"}, "", ostiary.CodeAuthAmbiguous},
		{[]string{"Bearer abc", ""}, "", ostiary.CodeAuthAmbiguous},
		{[]string{""}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer "}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer ="}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearerabc"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer\tabc"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer a=b"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer abc, Bearer def"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer abc "}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer a\u00e4"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Basic YTpi"}, "", ostiary.CodeAuthMalformed},
		{[]string{"DPoP abc"}, "", ostiary.CodeAuthMalformed},
		{[]string{"Bearer " + strings.Repeat("a", maxToken)}, strings.Repeat("a", maxToken), ""},
		{[]string{"Bearer " + strings.Repeat("a", maxToken+1)}, "", ostiary.CodeAuthMalformed},
	} {
		token, err := bearer(http.Header{"Authorization": tc.values})
		var code ostiary.Code
		if err != nil {
			code = err.Code
		}
		if token != tc.token || code != tc.code {
			t.Errorf("%.40q: %.40q, %v; want %.40q, %q", tc.values, token, err, tc.token, tc.code)
		}
	}
}

func TestInURL(t *testing.T) {
	key := keyStart + "aaaaaaaaaa_" + strings.Repeat("b", secretLen)
	for u, want := range map[string]bool{
		"/files/mcp":                            false,
		"/files/mcp?cursor=a&x=token":           false,
		"/files/mcp?page_token_size=1":          false,
		"/files/mcp?access_token=a":             true,
		"/files/mcp?x=1&Access_Token=a":         true,
		"/files/mcp?x=1;access_token=a":         true,
		"/files/mcp?acces%73_token=a":           true,
		"/files/mcp?access_token":               true,
		"/files/mcp?api_key=a":                  true,
		"/files/mcp?q=" + key:                   true,
		"/files/mcp?q=" + strings.ToUpper(key):  true,
		"/files/mcp?q=ost%5fkey_abc":            true,
		"/files/mcp?" + key:                     true,
		"/files/mcp?x=%zz&bearer=a":             true,
		"/" + key + "/mcp":                      true,
		"https://ann:secret@door.example/files": true,
	} {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		if got := inURL(parsed); got != want {
			t.Errorf("%s: %v", u, got)
		}
	}
}

// FuzzBearer holds what comes out to the grammar, whatever goes in.
func FuzzBearer(f *testing.F) {
	for _, s := range []string{"Bearer abc", "bearer  a=", "Bearer a, Bearer b", "Basic x", "Bearer \x00", "Bearer a\r\nX: y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["Authorization"] = []string{s}
		token, err := bearer(r.Header)
		if (token == "") == (err == nil) {
			t.Fatalf("%q: %q, %v", s, token, err)
		}
		if err != nil {
			return
		}
		if !strings.HasSuffix(s, token) || len(token) > maxToken || strings.ContainsAny(token, " ,;\"\\\r\n\t\x00") {
			t.Fatalf("%q: %q", s, token)
		}
		if _, _, ok := parseJWT(token); ok && strings.Count(token, ".") != 2 {
			t.Fatalf("%q is no JWT", token)
		}
	})
}
