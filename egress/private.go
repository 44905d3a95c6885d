package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// private is what one use may reach beside the public network. Its zero value is
// nothing.
type private struct {
	ranges []netip.Prefix
	single []netip.Addr
	names  []string
}

// localhost is the one name that means the machine itself (RFC 6761, 6.3).
const localhost = "localhost"

// listable are the ranges that an operator may open, whole or in part. Everything
// else that is special stays closed: no entry turns the check off.
var listable = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),     // RFC 1918
	netip.MustParsePrefix("172.16.0.0/12"),  // RFC 1918
	netip.MustParsePrefix("192.168.0.0/16"), // RFC 1918
	netip.MustParsePrefix("100.64.0.0/10"),  // RFC 6598, shared; overlay networks
	netip.MustParsePrefix("198.18.0.0/15"),  // RFC 2544, benchmarks
	netip.MustParsePrefix("127.0.0.0/8"),    // loopback
	netip.MustParsePrefix("::1/128"),        // loopback
	netip.MustParsePrefix("fc00::/7"),       // RFC 4193, unique local
	nat64,
}

// CheckPrivate reports what is wrong with an entry of Options.AllowPrivate, as an
// [ostiary.Error] with the code config_invalid.
func CheckPrivate(entry string) error {
	var p private
	return p.add(entry)
}

func parsePrivate(entries []string) (p private, err error) {
	for _, e := range entries {
		if err := p.add(e); err != nil {
			return private{}, err
		}
	}
	return p, nil
}

func (p *private) add(entry string) error {
	if strings.Contains(entry, "/") {
		return p.addRange(entry)
	}
	h, err := parseHost(entry)
	switch {
	case err != nil:
		return badOption(fmt.Sprintf("%q is no range such as 10.0.0.0/8, no address and no name of a host", entry))
	case h.name != "":
		p.names = append(p.names, h.name)
		return nil
	}
	return p.addSingle(h.addr)
}

func (p *private) addRange(entry string) error {
	r, err := netip.ParsePrefix(entry)
	switch {
	case err != nil:
		return badOption(fmt.Sprintf("%q is no range: write one such as 10.0.0.0/8", entry))
	case r != r.Masked():
		return badOption(fmt.Sprintf("%q has bits behind its length: write %s, or the address alone", entry, r.Masked()))
	case r.IsSingleIP():
		return p.addSingle(r.Addr())
	case slices.ContainsFunc(never, func(n netip.Prefix) bool { return n.Bits() <= r.Bits() && n.Contains(r.Addr()) }):
		return badOption(fmt.Sprintf("the range %s is never connected to", r))
	case !slices.ContainsFunc(listable, func(l netip.Prefix) bool { return l.Bits() <= r.Bits() && l.Contains(r.Addr()) }):
		return badOption(fmt.Sprintf("%q does not lie in a private or loopback range, and only those are closed and can be opened", entry))
	}
	p.ranges = append(p.ranges, r)
	return nil
}

func (p *private) addSingle(a netip.Addr) error {
	within := func(l netip.Prefix) bool { return l.Contains(a) }
	if metadata(a) || nat64.Contains(a) || !slices.ContainsFunc(listable, within) && newGuardian().SafeAddr(a) != nil {
		return badOption(fmt.Sprintf("the address %s is never connected to", a))
	}
	p.single = append(p.single, a)
	return nil
}

// inRange reports whether a lies in a listed range.
func (p *private) inRange(a netip.Addr) bool {
	return slices.ContainsFunc(p.ranges, func(r netip.Prefix) bool { return r.Contains(a) })
}

// byName reports whether the name is listed and a is what it may then lead to:
// loopback for localhost, private networks for all others.
func (p *private) byName(name string, a netip.Addr) bool {
	if name == "" || !slices.Contains(p.names, name) {
		return false
	}
	if name == localhost {
		return a.IsLoopback()
	}
	return a.IsPrivate() || shared.Contains(a)
}
