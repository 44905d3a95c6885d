package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// asked is what the gate says to a read of this URI.
func asked(t *testing.T, p *Policy, uri string) ostiary.Decision {
	t.Helper()
	b, _ := p.Compile("srv", nil)
	r := b.Resource(uri)
	d, err := p.Gate().Check(context.Background(), &ostiary.Call{
		Rule: r, Effect: r.Effect, Method: resourceMethod, Class: ostiary.ClassResource, Target: uri, Upstream: "srv",
		Principal: ostiary.Principal{ID: "alice"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// otherSpellings all lead to /tmp/secret/k in a server that reads file URIs.
var otherSpellings = []string{
	"file:///tmp/ws/../secret/k", "FILE:///tmp/secret/k", "file://localhost/tmp/secret/k", "file:///tmp/%73ecret/k",
	"file:/tmp/secret/k", "file:///tmp//secret/k", "/tmp/secret/k", "file:tmp/secret/k",
	"file:///tmp/./secret/k", "file:///tmp/ws/%2e%2e/secret/k", "file:///tmp/ws/%2E%2E/secret/k", "file:///tmp/ws%2F../secret/k",
	"file:///tmp/ws%2F..%2Fsecret/k", `file:///tmp\secret\k`, "file:///tmp/secret%5Ck", "file:///tmp/secret/k?x", "file:///tmp/secret/k#x",
	"file:///tmp/secret/k/", "file:////tmp/secret/k", " file:///tmp/secret/k", "file:///tmp/secret/k ", "file:///tmp/sec\tret/k",
	"file:///tmp/secret/k\n", "file://u@/tmp/secret/k", "file:///tmp/secret/k%00", "file:///tmp/ws/%252e%252e/secret/k", "file:///tmp/secret/%", "",
}

func TestADeniedResourceHasNoOtherSpelling(t *testing.T) {
	deny := mustNew(t, Options{Deny: []DenyRow{{Kind: Resource, Pattern: "srv/file:///tmp/secret/*", Source: "d:1"}}})
	asks := mustNew(t, Options{Rows: []Row{{Kind: Resource, Pattern: "srv/*secret*", Source: "p:1", Approve: true}}})
	when := mustNew(t, Options{Deny: []DenyRow{{Kind: Method, Pattern: "*/resources/*", Source: "d:1", When: `call.target.startsWith("file:///tmp/secret/")`}}})
	every := mustNew(t, Options{Rows: []Row{{Kind: Resource, Pattern: "*/*", Source: "p:1"}}})
	none := mustNew(t, Options{Deny: []DenyRow{{Kind: Resource, Pattern: "other/*", Source: "d:1"}}})
	if d := asked(t, deny, "file:///tmp/secret/k"); d.Code != ostiary.CodePolicyDeny {
		t.Errorf("the denied one: %+v", d)
	}
	for _, uri := range otherSpellings {
		for name, p := range map[string]*Policy{"deny": deny, "rule": asks, "when": when} {
			d := asked(t, p, uri)
			if d.Code != ostiary.CodePolicyDeny || !strings.Contains(d.Message, "Send the URI in normal form") || strings.Contains(d.Message, "secret") {
				t.Errorf("%s %q: %+v", name, uri, d)
			}
		}
		// The control: where no row looks at URIs they pass as they are.
		for _, p := range []*Policy{none, every} {
			if d := asked(t, p, uri); d.Verdict != ostiary.Allow && (p == none || uri != "") {
				t.Errorf("no rows, %q: %+v", uri, d)
			}
		}
	}
}

func TestAnAllowedPlaceCannotBeLeft(t *testing.T) {
	p := mustNew(t, Options{
		Rows: []Row{{Kind: Resource, Pattern: "srv/file:///pub/*", Source: "p:1"}, {Kind: Resource, Pattern: "srv/*", Source: "p:2", Approve: true}},
	})
	if d := asked(t, p, "file:///pub/a"); d.Verdict != ostiary.Allow {
		t.Errorf("%+v", d)
	}
	if d := asked(t, p, "file:///pub/../etc/passwd"); d.Code != ostiary.CodePolicyDeny {
		t.Errorf("%+v", d)
	}
}

func TestWhatIsInNormalForm(t *testing.T) {
	p := mustNew(t, Options{Deny: []DenyRow{{Kind: Resource, Pattern: "srv/file:///tmp/secret/*", Source: "d:1"}}})
	for uri, normal := range map[string]bool{
		"demo://resource/static/document/features.md": true, "demo://resource/dynamic/text/1": true, "demo://resource/1": true,
		"memo:insights": true, "memo://insights": true, "urn:isbn:0451450523": true, "test://Static/Resource": true,
		"file:///a%20b": true, "file:///tmp/ws/a.b..c/...": true, "file:///tmp/100%25": true, "file:///": true, "file:///a+b@c": true,
		"ui://get-time/app.html": true, "repo://o/r/refs%2Fheads%2Fmain": true, "x://a/b/?q=../c": true, "x:a/": true,
		"https://example.com/": true, "https://example.com:8443/a?b=c": true, "http://127.0.0.1/": true, "http://[::1]:8080/": true,
		"https://EXAMPLE.com/": false, "https://example.com:443/": false, "https://example.com./": false, "https://example.com": false,
		"https://u:p@example.com/": false, "https://example.com/a#b": false, "http://0x7f.1/": false, "http://127.1/": false, "https:example.com/": false,
		"https:///": false, "https://exa%6Dple.com/": false, "x://a/../b": false, "x:a/../b": false, "x://a//b": false, "x://a/%c3%A9": false, "x://é": false,
		"repo://o/r/x%2F..%2Fy": false, "1x:a": false, ":a": false, "noscheme": false,
	} {
		if d := asked(t, p, uri); (d.Verdict == ostiary.Allow) != normal {
			t.Errorf("%q: %+v", uri, d)
		}
	}
}

func TestAPatternThatNoNormalURIMatchesIsRefused(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"*/*.key": true, "srv/file:///tmp/*": true, "srv/*://x/*": true, "srv/memo:insights": true, "srv/demo://resource/*": true, "*/*": true, "srv/file:*": true,
		"srv/file:///a%20b/*": true, "srv/https://*.example.com/*": true,
		"srv/FILE:///tmp/*": false, "srv/file:///a b/*": false, "srv/file:///tmp/../x": false, "srv/file:///%73/*": false, "srv/file:///é": false,
		"srv/file:/tmp/*": false, "srv/file://localhost/*": false, "srv/file:///tmp//x": false,
	} {
		_, err := New(Options{Deny: []DenyRow{{Kind: Resource, Pattern: pattern, Source: "d:1"}}})
		if (err == nil) != ok {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// FuzzNormalURI: no text makes it panic, and what is normal leads nowhere else.
func FuzzNormalURI(f *testing.F) {
	for _, uri := range otherSpellings {
		f.Add(uri)
	}
	f.Add("https://[::1]:8080/a?b#c")
	f.Fuzz(func(t *testing.T, uri string) {
		if normalURI(uri) == nil && strings.HasPrefix(strings.ToLower(uri), "file:") &&
			(!strings.HasPrefix(uri, "file:///") || strings.Contains(uri+"/", "/../") || strings.ContainsAny(uri, "?#\\ ")) {
			t.Fatalf("%q", uri)
		}
	})
}
