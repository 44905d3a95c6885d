package redact

import "testing"

func TestQueryValues(t *testing.T) {
	r := redactor(t)
	for in, want := range map[string]string{
		"https://x/?password=hunter2secret&token=abc&page=2": "https://x/?password=[REDACTED:key]&token=[REDACTED:key]&page=2",
		"see https://x/a?b=1;api_key=q#access_token=z, then": "see https://x/a?b=1;api_key=[REDACTED:key]#access_token=[REDACTED:key] then",
		"app:doc?pass%77ord=%68unter&x":                      "app:doc?pass%77ord=[REDACTED:key]&x",
		`<a href="/cb#session=1">?secret=a=b</a>`:            `<a href="/cb#session=[REDACTED:key]">?secret=[REDACTED:key]</a>`,
		"/x?password=[REDACTED:nothing]":                     "/x?password=[REDACTED:key]",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if got := r.Text(want); got != want {
			t.Errorf("not idempotent: %q becomes %q", want, got)
		}
	}
	for _, in := range []string{
		"https://x/?page=2&max_tokens=5", "https://x/?password=&token", "what? token=abc", "?", "#", "a?b#c", "issue #12", "token=abc",
	} {
		if got := r.Text(in); got != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}
