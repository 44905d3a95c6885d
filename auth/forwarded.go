package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the hops in front of us that are believed, by address.
type Proxies struct {
	// Trusted are their networks. With none, no header is read.
	Trusted []netip.Prefix
	// Forwarded reads the header Forwarded (RFC 7239) instead of X-Forwarded-For.
	// Only one is read: the other comes from the client, unless the proxy removes
	// it.
	Forwarded bool
}

// maxHops is how many entries are looked at, from the right.
const maxHops = 32

// ClientAddr returns the address of the client: the peer, or, if that is a trusted
// proxy, the nearest hop that is none, read from the right, because what stands
// further left may be invented. Where an entry cannot be read, the proxy that
// wrote it is the client. It is the zero Addr for a peer without an address, as
// on a Unix socket.
func (p Proxies) ClientAddr(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap().WithZone("")
	if !p.trusts(at) {
		return at
	}
	name, read := "X-Forwarded-For", node
	if p.Forwarded {
		name, read = "Forwarded", forwardedFor
	}
	hops := 0
	for _, line := range slices.Backward(r.Header[name]) {
		for more := true; more; {
			if hops++; hops > maxHops {
				return at
			}
			var entry string
			i := strings.LastIndexByte(line, ',')
			entry, more = line[i+1:], i >= 0
			line = line[:max(i, 0)]
			hop, ok := read(strings.Trim(entry, " \t"))
			if !ok {
				return at
			}
			if at = hop; !p.trusts(at) {
				return at
			}
		}
	}
	return at
}

func (p Proxies) trusts(a netip.Addr) bool {
	for _, t := range p.Trusted {
		if t.Contains(a) {
			return true
		}
	}
	return false
}

// forwardedFor reads the parameter for= of one element. Commas split elements
// without a look at quotes: an address has none, and an open quote further left
// must not swallow what a proxy wrote.
func forwardedFor(element string) (netip.Addr, bool) {
	var found netip.Addr
	for pair := range strings.SplitSeq(element, ";") {
		name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok || name == "" {
			return netip.Addr{}, false
		}
		if !strings.EqualFold(name, "for") {
			continue
		}
		quoted := len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"'
		if quoted {
			value = value[1 : len(value)-1]
		}
		a, ok := node(value)
		// RFC 7239 wants quotes where there is a colon, and for= once.
		if !ok || found.IsValid() || !quoted && strings.Contains(value, ":") {
			return netip.Addr{}, false
		}
		found = a
	}
	return found, found.IsValid()
}

// node reads an address, with or without a port. Names, "unknown" and zones are
// none.
func node(s string) (netip.Addr, bool) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		a, err := netip.ParseAddr(s[1 : len(s)-1])
		return a.Unmap(), err == nil && a.Zone() == "" && a.Is6()
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap(), a.Zone() == ""
	}
	ap, err := netip.ParseAddrPort(s)
	return ap.Addr().Unmap(), err == nil && ap.Addr().Zone() == ""
}
