package egress

import (
	"net/netip"
	"slices"

	"code.dny.dev/ssrf"
)

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	shared = netip.MustParsePrefix("100.64.0.0/10")
)

// never are addresses at which clouds tell a machine its credentials or take its
// orders. No entry of a list opens them, not even one of the range around them.
// Those of IPv4 link-local (169.254.0.0/16) and of 192.0.0.0/24 are not here since
// nothing can open these ranges.
var never = []netip.Prefix{
	netip.MustParsePrefix("168.63.129.16/32"),       // Azure, WireServer; a public address
	netip.MustParsePrefix("100.100.100.200/32"),     // Alibaba Cloud, in the shared range
	netip.MustParsePrefix("fd00:ec2::/32"),          // AWS, metadata, DNS and time
	netip.MustParsePrefix("fd20:ce::254/128"),       // Google Cloud
	netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), // Oracle Cloud
	netip.MustParsePrefix("fd00:42::42/128"),        // Scaleway
}

func metadata(a netip.Addr) bool {
	return slices.ContainsFunc(never, func(p netip.Prefix) bool { return p.Contains(a) })
}

// newGuardian knows the registries of IANA. Ports are the operator's matter.
func newGuardian() *ssrf.Guardian {
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6"))
}

// judge says why a connection for h must not go to a; nil if it may. IPv4 in
// IPv6's clothes is judged as IPv4, since that is where the kernel sends it.
func (d *Dialer) judge(h host, a netip.Addr) error {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" {
		return neverAddress(h, "no address, or one with a zone")
	}
	if metadata(a) {
		return neverAddress(h, a.String()+", a cloud's metadata or control service")
	}
	if nat64.Contains(a) {
		return d.judgeTranslated(h, a)
	}
	if slices.Contains(d.private.single, a) {
		return nil
	}
	if !a.IsLoopback() {
		own, err := d.own.addresses()
		switch {
		case err != nil:
			return badAddress(h, a.String()+", and the machine's own addresses are not known: "+err.Error())
		case slices.Contains(own, a):
			return badAddress(h, a.String()+", one of this machine's own addresses, which only an entry of its own opens")
		}
	}
	if d.private.inRange(a) || d.private.byName(h.name, a) {
		return nil
	}
	err := d.guardian.SafeAddr(a)
	switch {
	case err == nil:
		return nil
	case slices.ContainsFunc(listable, func(l netip.Prefix) bool { return l.Contains(a) }):
		return badAddress(h, err.Error())
	}
	return neverAddress(h, err.Error())
}

// judgeTranslated is for an address behind NAT64, the only way to IPv4 on a
// machine that has IPv6 alone: closed unless it is listed, and then judged by the
// IPv4 address in its last four bytes.
func (d *Dialer) judgeTranslated(h host, a netip.Addr) error {
	if !d.private.inRange(a) {
		return badAddress(h, a.String()+", an IPv4 address behind NAT64")
	}
	b := a.As16()
	return d.judge(h, netip.AddrFrom4([4]byte(b[12:])))
}
