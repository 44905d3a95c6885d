// Package network says what of an address stands for who is behind it.
package network

import "net/netip"

// Of is what of a peer's name counts for limits and quotas: the first 64 bits of an
// address in IPv6, since whoever has one has all behind them (RFC 6177), and every
// other name as it is.
func Of(peer string) string {
	a, err := netip.ParseAddr(peer)
	if err != nil || !a.Is6() || a.Is4In6() {
		return peer
	}
	if n, err := a.WithZone("").Prefix(64); err == nil {
		return n.String()
	}
	return peer
}
