package egress

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestParseHost(t *testing.T) {
	for in, want := range map[string]string{
		"tracker.example": "tracker.example", "Tracker.EXAMPLE": "tracker.example", "localhost": "localhost", "a-1.b2": "a-1.b2",
		"xn--bcher-kva.example": "xn--bcher-kva.example", "3com.example": "3com.example", "1.2.3.example": "1.2.3.example", "0xfg": "0xfg",
		"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::1", "2001:DB8::1": "2001:db8::1", "::1": "::1",
	} {
		h, err := parseHost(in)
		if err != nil || h.String() != want {
			t.Errorf("%q: %q, %v", in, h, err)
		}
	}
	for _, in := range []string{
		"", ".", "a.", "a..b", ".a", " a", "a b", "a\x00.example", "evil\x00.good.example", "a\r\nb", "a\tb", "a\x7f", "a%2eb", "fe80::1%eth0", "%00", "a_b.example",
		"bücher.example", "1。1。1。1", "ⓛocalhost", "a\u00adb", "a\u200bb", "*.example", "a@b", "a/b", "a\\b", "a:80", "[::1]", "a,b", "-a.example", "a-.example", "ab--c.example",
		"127.1", "2130706433", "0x7f000001", "0X7F000001", "0177.0.0.1", "127.0.0.01", "127.0.0.0x1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "a.1", "a.0x1f", "a.0x", "017700000001",
		"::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:0:0:1", "::0001", "2001:db8:0::1", "::127.0.0.1.",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "aa", strings.Repeat("a", 1<<20),
	} {
		if h, err := parseHost(in); !errors.Is(err, ostiary.CodeEgressHost) {
			t.Errorf("%.40q passes as %q, %v", in, h, err)
		} else if len(in) > 3 && strings.Contains(err.Error(), in) {
			t.Errorf("the error repeats %.40q", in)
		}
	}
}

// What parses has one reading: its own text parses to itself, Go's address
// parsers agree on whether it is an address, and no URL changes it.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"tracker.example", "127.0.0.1", "0x7f.1", "::1", "::ffff:1.2.3.4", "fe80::1%lo", "xn--a", "a.", "a\x00b", "é.example", "1.2.3.4.", "A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHost(s)
		if err != nil {
			if !errors.Is(err, ostiary.CodeEgressHost) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := parseHost(h.String())
		if err != nil || again != h || !strings.EqualFold(h.String(), s) {
			t.Fatalf("%q became %q, then %q, %v", s, h, again, err)
		}
		if isIP := net.ParseIP(s) != nil; isIP != h.addr.IsValid() {
			t.Fatalf("%q is an address for one of two", s)
		}
		if h.name != "" && strings.Trim(h.name, ldh+".") != "" {
			t.Fatalf("%q passes as a name", s)
		}
		authority := s
		if h.addr.Is6() {
			authority = "[" + s + "]"
		}
		u, err := url.Parse("https://" + authority + "/")
		if err != nil || u.Hostname() != s {
			t.Fatalf("a URL reads %q otherwise: %v, %v", s, u, err)
		}
	})
}

func TestCheckURL(t *testing.T) {
	d := dialer(t, Options{AllowPrivate: []string{"10.0.0.0/8", "::1"}})
	for raw, code := range map[string]ostiary.Code{
		"https://tracker.example/x?y": "", "http://tracker.example:8080": "", "https://10.1.2.3/": "", "https://[::1]:8443/": "", "https://93.184.216.34": "", "HTTPS://A.EXAMPLE": "",
		"ftp://a.example": ostiary.CodeEgressHost, "a.example": ostiary.CodeEgressHost, "https:a.example": ostiary.CodeEgressHost, "https:///x": ostiary.CodeEgressHost,
		"https://u:p@a.example": ostiary.CodeEgressHost, "https://a.example:": ostiary.CodeEgressHost, "https://a.example:0": ostiary.CodeEgressHost,
		"https://a.example:080": ostiary.CodeEgressHost, "https://a.example:65536": ostiary.CodeEgressHost, "https://a.example.": ostiary.CodeEgressHost,
		"https://b%C3%BCcher.example": ostiary.CodeEgressHost, "https://2130706433/": ostiary.CodeEgressHost, "https://[::ffff:10.0.0.1]/": ostiary.CodeEgressHost,
		"https://[fe80::1%25eth0]/": ostiary.CodeEgressHost, "https://127.0.0.1/": ostiary.CodeEgressAddress, "https://169.254.169.254/latest": ostiary.CodeEgressAddress,
		"https://[64:ff9b::a00:1]/": ostiary.CodeEgressAddress, "http://localhost": "",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		err = d.CheckURL(u)
		if code == "" && err != nil || code != "" && !errors.Is(err, code) {
			t.Errorf("%s: %v, want %q", raw, err, code)
		}
	}
	localhost := &url.URL{Scheme: "http", Host: "LocalHost:8080"}
	for allow, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.0.0.0/8": true, "::1": true, "10.0.0.0/8": false} {
		if err := dialer(t, Options{AllowPrivate: []string{allow}}).CheckURL(localhost); (err == nil) != ok {
			t.Errorf("localhost with %s: %v", allow, err)
		}
	}
	if err := d.CheckURL(nil); err == nil {
		t.Error("no URL passes")
	}
}

// dialer has no network but its Options': names have no address, and the machine
// has one public address of its own.
func dialer(t testing.TB, o Options) *Dialer {
	t.Helper()
	if o.Resolve == nil {
		o.Resolve = answers()
	}
	if o.Interfaces == nil {
		o.Interfaces = func() ([]net.Addr, error) {
			return []net.Addr{
				&net.IPNet{IP: net.ParseIP("127.0.0.1"), Mask: net.CIDRMask(8, 32)}, &net.IPNet{IP: net.ParseIP("203.0.112.7"), Mask: net.CIDRMask(24, 32)},
				&net.IPNet{IP: net.ParseIP("10.9.9.9"), Mask: net.CIDRMask(8, 32)}, &net.IPNet{IP: net.ParseIP("2a00:1::7"), Mask: net.CIDRMask(64, 128)},
			}, nil
		}
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func addrs(list ...string) []netip.Addr {
	var a []netip.Addr
	for _, s := range list {
		a = append(a, netip.MustParseAddr(s))
	}
	return a
}
