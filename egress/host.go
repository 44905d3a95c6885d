package egress

import (
	"net/netip"
	"strings"
)

// host is a parsed host: a name in lower case, or an address.
type host struct {
	name string
	addr netip.Addr
}

const (
	maxName  = 253 // RFC 1035, 2.3.4, without the root's dot
	maxLabel = 63
)

const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	ldh   = lower + "0123456789-"
	hex   = "0123456789abcdef"
)

// parseHost reads a host as it stands in a URL, without brackets. It takes what
// every parser and every resolver reads alike, and nothing else: a name of LDH
// labels (RFC 1123, RFC 5890), or an address in canonical form (dotted decimal;
// RFC 5952). Its error says what is wrong, without the host.
func parseHost(s string) (host, error) {
	if s == "" {
		return host{}, badHost("is empty")
	}
	if len(s) > maxName {
		return host{}, badHost("is longer than 253 characters")
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c == 0x7f:
			return host{}, badHost("holds a space or a control character")
		case c > 0x7f:
			return host{}, badHost("holds a character outside ASCII: write its xn-- form")
		case c == '%':
			return host{}, badHost("holds a percent sign: write it plainly and without a zone")
		}
	}
	s = strings.ToLower(s)
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Is4In6() || a.String() != s {
			return host{}, badHost("is an address in a form that is not the usual one")
		}
		return host{addr: a}, nil
	}
	if why := badName(s); why != "" {
		return host{}, badHost(why)
	}
	return host{name: s}, nil
}

// badName says what is wrong with a name in lower case, "" if nothing.
func badName(s string) string {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "begins or ends with a dot, or has two in a row"
		case len(label) > maxLabel:
			return "has a part longer than 63 characters"
		case strings.Trim(label, ldh) != "":
			return "holds something else than letters, digits, hyphens and dots"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "has a part that begins or ends with a hyphen"
		case len(label) > 3 && label[2:4] == "--" && !strings.HasPrefix(label, "xn--"):
			return "has a part with hyphens at its third and fourth place, which is reserved"
		}
	}
	// What some parsers take for an address (WHATWG URL, "ends in a number").
	last := labels[len(labels)-1]
	if digits, ok := strings.CutPrefix(last, "0x"); strings.Trim(last, "0123456789") == "" || ok && strings.Trim(digits, hex) == "" {
		return "ends in a number, which some programs read as an address"
	}
	return ""
}

func (h host) String() string {
	if h.addr.IsValid() {
		return h.addr.String()
	}
	return h.name
}
