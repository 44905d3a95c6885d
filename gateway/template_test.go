package gateway

import (
	"strings"
	"testing"
)

// TestTemplatesMatchWhatTheyMake, by the examples of RFC 6570, section 1.2 and 3.2.
func TestTemplatesMatchWhatTheyMake(t *testing.T) {
	values := map[string]string{"var": "value", "hello": "Hello World!", "path": "/foo/bar", "x": "1024", "y": "768", "empty": "", "letters": "\u00e9\u20ac!"}
	for template, want := range map[string]string{
		"{var}":              "value",
		"a:{hello}":          "a:Hello%20World%21",
		"a:{+hello}":         "a:Hello%20World!",
		"a:{+path}/here":     "a:/foo/bar/here",
		"a:{path}/here":      "a:%2Ffoo%2Fbar/here",
		"a:here?ref={+path}": "a:here?ref=/foo/bar",
		"a:{#var}":           "a:#value",
		"a:{#path}":          "a:#/foo/bar",
		"map?{x,y}":          "map?1024,768",
		"{+x,hello,y}":       "1024,Hello%20World!,768",
		"{+path,x}/here":     "/foo/bar,1024/here",
		"X{.var}":            "X.value",
		"X{.x,y}":            "X.1024.768",
		"{/var}":             "/value",
		"{/var,x}/here":      "/value/1024/here",
		"{;x,y}":             ";x=1024;y=768",
		"{?x,y}":             "?x=1024&y=768",
		"?fixed=yes{&x}":     "?fixed=yes&x=1024",
		"f:///{/missing}":    "f:////x",
		"f:///{+missing}":    "f:///x",
		"f:///{open":         "f:///{open",
		"a:{+path}%2Fb":      "a:/foo/bar%2Fb",
		"{var:3}":            "val",
		"{var:30}":           "value",
		"a:{+path:6}/here":   "a:/foo/b/here",
		"X{.var:3}":          "X.val",
		"{/var:1,var}":       "/v/value",
		"{;hello:5}":         ";hello=Hello",
		"{?var:3,x:2}":       "?var=val&x=10",
		"a:{hello:6}":        "a:Hello%20",
		"a:{letters:2}":      "a:%C3%A9%E2%82%AC",
		"a:{var:bad}":        "a:value",
		"a:{/list*}":         "a:/x",
	} {
		got := parseTemplate(template)
		if uri := got.expand(values); uri != want {
			t.Errorf("%s makes %s, want %s", template, uri, want)
		} else if !got.matches(uri) {
			t.Errorf("%s does not match %s, which it makes", template, uri)
		} else if known := !strings.Contains(template, "{open"); got.makes(uri) != known {
			t.Errorf("%s does not make %s", template, uri)
		}
	}
}

// TestTemplatesMakeLessThanTheyMatch: what a server may take for a URI of a template is
// more than what a strict client makes of it.
func TestTemplatesMakeLessThanTheyMatch(t *testing.T) {
	for _, c := range []struct {
		template, uri string
		makes         bool
	}{
		{"db:///{table:3}", "db:///abc", true},
		{"db:///{table:3}", "db:///", true},
		{"db:///{table:3}", "db:///%E2%82%AC%E2%82%ACc", true},
		{"db:///{table:3}", "db:///\u20acbc", true},
		{"db:///{table:3}", "db:///abcd", false},
		{"db:///{table:3}", "db:///%2F%2F%2F%2F", false},
		{"db:///{table:3}", "db:///%E2%82%AC%E2%82%ACcd", false},
		{"db:///{a:1,b:2}", "db:///a,bc", true},
		{"db:///{a:1,b:2}", "db:///a,bcd", false},
		{"db:///{a:1,b}", "db:///a,bcd", true},
		{"db:///t{?name:3}", "db:///t?name=abc", true},
		{"db:///t{?name:3}", "db:///t?name=abcd", false},
		{"db:///{table}", "db:///a", true},
		{"db:///{table}", "db:///a/b", false},
		{"db:///{table}", "db:///a b", false},
		{"db:///{+table}", "db:///a/b", true},
		{"db:///{/list*}", "db:////a/b", true},
		{"db:///{table", "db:///{table", false}, // it cannot be told
		{"db:///{table}", "db:///" + strings.Repeat("a", uriBytes), false},
	} {
		got := parseTemplate(c.template)
		if !got.matches(c.uri) {
			t.Errorf("%s does not match %s", c.template, c.uri)
		}
		if got.makes(c.uri) != c.makes {
			t.Errorf("%s makes %s: %t", c.template, c.uri, !c.makes)
		}
		if !c.makes && got.makes("http://elsewhere") {
			t.Errorf("%s makes anything", c.template)
		}
	}
}

// TestTemplatesDoNotMatchTheRest, but what other spellings of the same URI are.
func TestTemplatesDoNotMatchTheRest(t *testing.T) {
	for _, c := range []struct {
		template, uri string
		want          bool
	}{
		{"file:///{+path}", "file:///a/b/c", true},
		{"file:///{+path}", "http:///a", false},
		{"file:///{path}", "file:///a", true},
		{"file:///{path}", "FILE:///%61", true},
		{"file:///{path}/end", "file:///a", false},
		{"db://{table}/rows{?limit}", "db://orders/rows", true},
		{"db://{table}/rows{?limit}", "db://orders/rows?limit=3", true},
		{"db://{table}/rows{?limit}", "db://orders/columns", false},
		{"a.b", "axb", false},
		{"a:{x", "a:anything", true}, // it cannot be told, so it may be
		{"", "a", false},
	} {
		if got := parseTemplate(c.template).matches(c.uri); got != c.want {
			t.Errorf("%s matches %s: %t", c.template, c.uri, got)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"file:///{+path}", "db://{a}/{b*}{?c,d}", "{", "}", "{}", "{+}", "{a:3}", strings.Repeat("{a}", 3000), "\xff{x}"} {
		f.Add(s, "a/b c")
	}
	f.Fuzz(func(t *testing.T, template, value string) {
		got := parseTemplate(template)
		if uri := got.expand(map[string]string{"path": value, "a": value, "x": value}); len(template) < templateBytes && !got.matches(uri) {
			t.Errorf("%q does not match %q, which it makes", template, uri)
		}
	})
}
