package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"code.dny.dev/ssrf"

	"github.com/ostiary/ostiary"
)

// special are addresses that nobody means who has not said so.
var special = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
	"192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
	"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::5db8:d822",
	"64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe",
	"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
	// The machine's own in these tests.
	"203.0.112.7", "::ffff:203.0.112.7", "2a00:1::7",
}

var public = []string{"93.184.216.34", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "203.0.112.8", "::ffff:93.184.216.34", "2606:2800:220:1::1", "2a00:1::8"}

func TestJudge(t *testing.T) {
	d := dialer(t, Options{})
	h := host{name: "tracker.example"}
	for _, s := range special {
		if err := d.judge(h, netip.MustParseAddr(s)); !errors.Is(err, ostiary.CodeEgressAddress) {
			t.Errorf("%s passes: %v", s, err)
		} else if m := ostiary.AsError(err).Message; strings.Contains(m, "tracker") || strings.Contains(m, s) && s != "::" {
			t.Errorf("the agent reads %q", m)
		}
	}
	for _, s := range public {
		if err := d.judge(h, netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if d.judge(h, netip.Addr{}) == nil {
		t.Error("no address passes")
	}
}

// Our table is needed: without it these would pass.
func TestWhatTheRegistriesDoNotSay(t *testing.T) {
	g := ssrf.New(ssrf.WithAnyPort())
	for _, s := range []string{"168.63.129.16", "203.0.112.7", "2a00:1::7"} {
		if err := g.SafeAddr(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s is refused without the table too: %v", s, err)
		}
	}
}

func TestAllowPrivate(t *testing.T) {
	const name = "tracker.corp.example"
	for _, c := range []struct {
		allow   []string
		host    string
		yes, no []string
	}{
		{[]string{"10.0.0.0/8"}, name, []string{"10.1.2.3", "::ffff:10.1.2.3", "93.184.216.34"}, []string{"10.9.9.9", "127.0.0.1", "192.168.0.1", "2002:a01:203::", "::10.1.2.3"}},
		{[]string{"10.9.9.9"}, name, []string{"10.9.9.9"}, []string{"10.9.9.8"}},
		{[]string{"10.9.9.9/32", "10.0.0.0/8"}, name, []string{"10.9.9.9", "10.9.9.8"}, nil},
		{[]string{"203.0.112.7"}, name, []string{"203.0.112.7"}, []string{"2a00:1::7"}},
		{[]string{"127.0.0.0/8"}, name, []string{"127.0.0.1", "127.9.9.9"}, []string{"::1", "0.0.0.0"}},
		{[]string{"::1"}, name, []string{"::1"}, []string{"127.0.0.1"}},
		{[]string{"fc00::/7", "100.64.0.0/10"}, name, []string{"fd12::1", "100.64.1.1"}, []string{"fd00:ec2::254", "fd00:ec2:1::1", "fd20:ce::254", "100.100.100.200"}},
		{[]string{name}, name, []string{"10.1.2.3", "192.168.1.1", "fd12::1", "100.64.1.1"}, []string{"127.0.0.1", "::1", "169.254.169.254", "10.9.9.9", "fd00:ec2::254", "0.0.0.0"}},
		{[]string{"Tracker.CORP.example"}, name, []string{"10.1.2.3"}, nil},
		{[]string{name}, "other.example", nil, []string{"10.1.2.3"}},
		{[]string{"localhost"}, "localhost", []string{"127.0.0.1", "::1"}, []string{"10.1.2.3", "fd12::1"}},
		{[]string{"localhost"}, name, nil, []string{"127.0.0.1", "::1"}},
		{[]string{"64:ff9b::/96"}, name, []string{"64:ff9b::5db8:d822"}, []string{"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110", "64:ff9b::a00:1", "64:ff9b:1::5db8:d822"}},
	} {
		d := dialer(t, Options{AllowPrivate: c.allow})
		for _, s := range c.yes {
			if err := d.judge(host{name: c.host}, netip.MustParseAddr(s)); err != nil {
				t.Errorf("%v, %s at %s: %v", c.allow, c.host, s, err)
			}
		}
		for _, s := range c.no {
			if d.judge(host{name: c.host}, netip.MustParseAddr(s)) == nil {
				t.Errorf("%v: %s at %s passes", c.allow, c.host, s)
			}
		}
	}
}

// No entry turns the check off.
func TestCheckPrivate(t *testing.T) {
	for _, s := range []string{
		"", "0.0.0.0/0", "::/0", "10.0.0.0/7", "8.0.0.0/8", "169.254.0.0/16", "169.254.169.254", "169.254.169.254/32", "168.63.129.16", "100.100.100.200", "fd00:ec2::/32", "fd00:ec2:1::/48",
		"fd20:ce::254", "fe80::/10", "fe80::1", "224.0.0.0/4", "0.0.0.0", "::", "255.255.255.255", "240.0.0.0/4", "2000::/3", "64:ff9b::/95", "64:ff9b::7f00:1", "64:ff9b:1::/48", "2002::/16",
		"::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "*", "*.example", "https://a.example", "a.example:80", "a_b", "a.", "10.0.0.0/8,127.0.0.1", "192.0.2.0/24",
	} {
		if err := CheckPrivate(s); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%q: %v", s, err)
		}
		if _, err := New(Options{AllowPrivate: []string{"10.0.0.0/8", s}}); err == nil {
			t.Errorf("New takes %q", s)
		}
	}
	for _, s := range []string{"10.0.0.0/8", "10.1.2.0/24", "10.1.2.3", "10.1.2.3/32", "127.0.0.1", "127.0.0.0/8", "::1", "::1/128", "fc00::/7", "64:ff9b::/96", "localhost", "a.example", "93.184.216.34"} {
		if err := CheckPrivate(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// The list of own addresses is read again, and one that cannot be read refuses.
func TestOwnAddresses(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	reads, mine, broken := 0, "93.184.216.34", error(nil)
	d := dialer(t, Options{
		Clock: func() time.Time { return now },
		Interfaces: func() ([]net.Addr, error) {
			reads++
			return []net.Addr{&net.IPNet{IP: net.ParseIP(mine), Mask: net.CIDRMask(32, 32)}}, broken
		},
	})
	judge := func(s string) error { return d.judge(host{name: "a.example"}, netip.MustParseAddr(s)) }
	if judge("93.184.216.34") == nil || judge("1.1.1.1") != nil || reads != 1 {
		t.Fatalf("%d reads", reads)
	}
	mine, now = "1.1.1.1", now.Add(ownFresh)
	if judge("93.184.216.34") != nil || judge("1.1.1.1") == nil || reads != 2 {
		t.Errorf("an address that the machine got meanwhile passes, %d reads", reads)
	}
	if now = now.Add(-time.Hour); judge("1.1.1.1") == nil || reads != 3 {
		t.Errorf("a clock that goes back, %d reads", reads)
	}
	now, broken = now.Add(ownFresh), fmt.Errorf("netlink is away")
	if err := judge("8.8.8.8"); !errors.Is(err, ostiary.CodeEgressAddress) || !strings.Contains(err.Error(), "netlink") {
		t.Errorf("without the list: %v", err)
	}
}
