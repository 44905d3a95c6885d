package auth

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

var (
	inner   = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	nowhere = netip.Addr{}
)

func from(peer, name string, lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = peer
	r.Header[name] = lines
	return r
}

func TestClientAddr(t *testing.T) {
	const xff, fwd = "X-Forwarded-For", "Forwarded"
	for name, tc := range map[string]struct {
		peer, header string
		lines        []string
		want         string
	}{
		"no proxy":                      {"1.2.3.4:5", xff, nil, "1.2.3.4"},
		"forged past the proxy":         {"1.2.3.4:5", xff, []string{"6.6.6.6"}, "1.2.3.4"},
		"one proxy":                     {"10.0.0.1:5", xff, []string{"1.2.3.4"}, "1.2.3.4"},
		"forged in front of the proxy":  {"10.0.0.1:5", xff, []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		"forged as a trusted hop":       {"10.0.0.1:5", xff, []string{"6.6.6.6, 10.9.9.9, 1.2.3.4"}, "1.2.3.4"},
		"forged in a line of its own":   {"10.0.0.1:5", xff, []string{"6.6.6.6", "1.2.3.4"}, "1.2.3.4"},
		"two proxies":                   {"10.0.0.1:5", xff, []string{"6.6.6.6, 1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		"two proxies in two lines":      {"10.0.0.1:5", xff, []string{"6.6.6.6,1.2.3.4", "10.0.0.2"}, "1.2.3.4"},
		"only proxies":                  {"10.0.0.1:5", xff, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"with ports":                    {"10.0.0.1:5", xff, []string{"1.2.3.4:99"}, "1.2.3.4"},
		"version 6":                     {"[fd00::1]:5", xff, []string{"2001:db8::1"}, "2001:db8::1"},
		"version 6 in brackets":         {"[fd00::1]:5", xff, []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		"version 4 inside version 6":    {"[::ffff:10.0.0.1]:5", xff, []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
		"garbage stops at who wrote it": {"10.0.0.1:5", xff, []string{"1.2.3.4, unknown"}, "10.0.0.1"},
		"garbage behind a proxy":        {"10.0.0.1:5", xff, []string{"1.2.3.4, x, 10.0.0.2"}, "10.0.0.2"},
		"empty":                         {"10.0.0.1:5", xff, []string{""}, "10.0.0.1"},
		"empty at the end":              {"10.0.0.1:5", xff, []string{"1.2.3.4,"}, "10.0.0.1"},
		"a zone":                        {"10.0.0.1:5", xff, []string{"fe80::1%eth0"}, "10.0.0.1"},
		"more hops than are read":       {"10.0.0.1:5", xff, []string{"1.2.3.4" + strings.Repeat(", 10.0.0.2", maxHops)}, "10.0.0.2"},
		"a Unix socket":                 {"@", xff, []string{"1.2.3.4"}, ""},
		"the other header":              {"10.0.0.1:5", fwd, []string{"for=1.2.3.4"}, "1.2.3.4"},
		"quoted":                        {"10.0.0.1:5", fwd, []string{`for="[2001:db8::1]:99";proto=https;by=10.0.0.1`}, "2001:db8::1"},
		"quoted version 4":              {"10.0.0.1:5", fwd, []string{`proto=http; For="1.2.3.4:5"`}, "1.2.3.4"},
		"two elements":                  {"10.0.0.1:5", fwd, []string{"for=6.6.6.6, for=1.2.3.4"}, "1.2.3.4"},
		"an open quote":                 {"10.0.0.1:5", fwd, []string{`for="6.6.6.6, for=1.2.3.4`}, "1.2.3.4"},
		"an open quote, and a hop":      {"10.0.0.1:5", fwd, []string{`for="6.6.6.6, for=1.2.3.4, for=10.0.0.2`}, "1.2.3.4"},
		"a name":                        {"10.0.0.1:5", fwd, []string{"for=1.2.3.4, for=_hidden"}, "10.0.0.1"},
		"no for":                        {"10.0.0.1:5", fwd, []string{"for=1.2.3.4, proto=http"}, "10.0.0.1"},
		"for twice":                     {"10.0.0.1:5", fwd, []string{"for=1.2.3.4;for=6.6.6.6"}, "10.0.0.1"},
		"a colon without quotes":        {"10.0.0.1:5", fwd, []string{"for=1.2.3.4:5"}, "10.0.0.1"},
	} {
		p := Proxies{Trusted: inner, Forwarded: tc.header == fwd}
		got := p.ClientAddr(from(tc.peer, tc.header, tc.lines...))
		if want, err := netip.ParseAddr(tc.want); err != nil && tc.want != "" || got != want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// The header that is not configured comes from the client: a proxy that writes the
// one lets the other through.
func TestOneHeaderIsRead(t *testing.T) {
	r := from("10.0.0.1:5", "X-Forwarded-For", "1.2.3.4")
	r.Header.Set("Forwarded", "for=6.6.6.6")
	if got := (Proxies{Trusted: inner}).ClientAddr(r); got.String() != "1.2.3.4" {
		t.Errorf("%s", got)
	}
	if got := (Proxies{Trusted: inner, Forwarded: true}).ClientAddr(r); got.String() != "6.6.6.6" {
		t.Errorf("the control: %s", got)
	}
	if got := (Proxies{}).ClientAddr(r); got.String() != "10.0.0.1" {
		t.Errorf("no proxy is trusted: %s", got)
	}
}

// FuzzClientAddr checks that nothing which a client sends changes what a proxy
// said after it.
func FuzzClientAddr(f *testing.F) {
	for _, s := range []string{"6.6.6.6", `for="a`, `for="\"`, "for=[", ";;=", "10.0.0.1", "\x00", "a,b;c=d"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, sent string, forwarded bool) {
		p := Proxies{Trusted: inner, Forwarded: forwarded}
		name, wrote := "X-Forwarded-For", "1.2.3.4"
		if forwarded {
			name, wrote = "Forwarded", "for=1.2.3.4"
		}
		if got := p.ClientAddr(from("9.9.9.9:1", name, sent)); got.String() != "9.9.9.9" {
			t.Fatalf("past the proxy: %s", got)
		}
		for _, lines := range [][]string{{sent + ", " + wrote}, {sent, wrote}} {
			if got := p.ClientAddr(from("10.0.0.1:1", name, lines...)); got.String() != "1.2.3.4" {
				t.Fatalf("%q: %s", lines, got)
			}
		}
		if got := p.ClientAddr(from("10.0.0.1:1", name, sent)); got == nowhere || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%q: %s", sent, got)
		}
	})
}
