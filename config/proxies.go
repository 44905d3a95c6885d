package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ostiary/ostiary/auth"
)

// everybody are all addresses.
var everybody = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// uniqueLocal is the one network of IPv6 that is wider than what anybody is given
// and still nobody's but the operator's (RFC 4193).
var uniqueLocal = netip.MustParsePrefix("fc00::/7")

// trustedProxy reads one network whose hosts are believed when they say for whom
// they ask. One that is so wide that strangers are in it is refused: they would
// choose the address under which they are counted and recorded.
func trustedProxy() kind[netip.Prefix] {
	text := checked("an address, or a range such as 10.1.2.0/24", "", func(s string) error {
		_, err := proxyRange(s)
		return err
	})
	return kind[netip.Prefix]{text.shape, func(d *decoder, n ast.Node, out *netip.Prefix) {
		var s string
		if text.decode(d, n, &s); s == "" {
			return
		}
		*out, _ = proxyRange(s) // which text has checked
	}}
}

func proxyRange(s string) (netip.Prefix, error) {
	none := netip.Prefix{}
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return none, fmt.Errorf("%q is no address: write the proxy's own, such as 10.1.2.3, or a range such as 10.1.2.0/24", brief(s))
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return none, fmt.Errorf("%q is no range: write an address, a slash and how many of its bits count, such as 10.1.2.0/24", brief(s))
	}
	if p.Addr().Is4In6() {
		return none, fmt.Errorf("%s is a range of IPv4 in IPv6's clothes: write it as one of IPv4", p)
	}
	if p != p.Masked() {
		return none, fmt.Errorf("%s has bits behind the %d that count: write %s", p, p.Bits(), p.Masked())
	}
	least := 8
	if p.Addr().Is6() && p != uniqueLocal {
		least = 16
	}
	if p.Bits() < least && p != uniqueLocal {
		return none, errors.New(p.String() + " takes in strangers, who would then say themselves where they call from: name the proxies alone")
	}
	return p, nil
}

// Proxies are the hops in front of the door that are believed.
func (s *Serve) Proxies() auth.Proxies {
	p := auth.Proxies{Trusted: s.TrustedProxies, Forwarded: s.Forwarded}
	if s.TrustAll {
		p.Trusted = everybody
	}
	return p
}

// Address says where a request comes from; "" where there is no address, as by a
// socket of this machine.
func (s *Serve) Address() func(*http.Request) string {
	p := s.Proxies()
	return func(r *http.Request) string {
		if a := p.ClientAddr(r); a.IsValid() {
			return a.String()
		}
		return ""
	}
}
