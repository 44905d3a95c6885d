package validate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	ostiary "github.com/ostiary/ostiary"
)

// URL says which absolute URLs an argument may hold. What Go (RFC 3986) and a
// browser (WHATWG URL) could read differently is refused before anything is
// compared. It checks a name: which address it resolves to, where it redirects
// and what else the host serves are matters of the egress layer.
type URL struct {
	// Schemes are the allowed ones among http, https, ws, wss; empty means https.
	Schemes []string
	// Hosts are the allowed ones: "api.example.com" exactly, "*.example.com" for
	// the names below it and not itself, "*" for every public-looking name. An IP
	// address or a name with xn-- is allowed only where it stands here itself.
	Hosts []string
	// Ports are the allowed ones; empty means the scheme's own alone.
	Ports []int
}

const maxURLBytes = 8 << 10

func defaultPort(scheme string) int {
	switch scheme {
	case "https", "wss":
		return 443
	case "http", "ws":
		return 80
	}
	return 0
}

func (u *URL) compile(Options) (judge, error) {
	if len(u.Hosts) == 0 {
		return nil, errors.New(`no hosts: list the allowed ones, such as "api.example.com" or "*.example.com"`)
	}
	rule, err := u.normal()
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType("a string with a URL", v)
		}
		loc, err := parseURL(s)
		if err != nil {
			return err
		}
		return rule.allows(loc)
	}, nil
}

// normal checks the lists and brings them to lower case.
func (u *URL) normal() (*URL, error) {
	n := &URL{Ports: u.Ports}
	for _, s := range u.Schemes {
		s = strings.ToLower(s)
		if defaultPort(s) == 0 {
			return nil, fmt.Errorf("the scheme %q is not supported: use https, http, wss or ws", s)
		}
		n.Schemes = append(n.Schemes, s)
	}
	if len(n.Schemes) == 0 {
		n.Schemes = []string{"https"}
	}
	for _, h := range u.Hosts {
		h = strings.ToLower(h)
		name := strings.TrimPrefix(h, "*.")
		if h != "*" && !isAddress(strings.Trim(name, "[]")) {
			if msg := checkHost(name); msg != "" {
				return nil, fmt.Errorf("the host %q: %s", h, msg)
			}
		} else if name != h {
			return nil, fmt.Errorf("the host %q: an address has no names below it", h)
		}
		n.Hosts = append(n.Hosts, strings.Trim(h, "[]"))
	}
	for _, p := range u.Ports {
		if p < 1 || p > 65535 {
			return nil, fmt.Errorf("the port %d does not exist", p)
		}
	}
	return n, nil
}

// location is what a URL says about where it leads.
type location struct {
	scheme, host string // lower case; an IPv6 address without brackets
	port         int
}

func (u *URL) allows(l location) error {
	if !slices.Contains(u.Schemes, l.scheme) {
		return urlError("the scheme must be %s", strings.Join(u.Schemes, " or "))
	}
	if !slices.ContainsFunc(u.Hosts, func(h string) bool { return matchHost(h, l.host) }) {
		return urlError("the host is not on the list of this tool: use one of %s", clip(strings.Join(u.Hosts, ", "), 200))
	}
	if len(u.Ports) == 0 && l.port != defaultPort(l.scheme) || len(u.Ports) > 0 && !slices.Contains(u.Ports, l.port) {
		return urlError("the port is not allowed: leave it out, or use one that the rule lists")
	}
	return nil
}

func matchHost(pattern, host string) bool {
	if pattern == host {
		return true
	}
	if isAddress(host) || slices.ContainsFunc(strings.Split(host, "."), isPunycode) {
		return false // only where it is listed itself
	}
	if pattern == "*" {
		last := host[strings.LastIndexByte(host, '.')+1:]
		return last != host && !slices.Contains([]string{"localhost", "local", "internal", "localdomain", "lan", "home", "arpa", "onion"}, last)
	}
	below, ok := strings.CutPrefix(pattern, "*.")
	return ok && strings.HasSuffix(host, "."+below)
}

// parseURL reads a URL by the narrow grammar on which everybody agrees.
func parseURL(s string) (location, error) {
	var l location
	if s == "" {
		return l, urlError("the URL is empty: send one that begins with https://")
	}
	if len(s) > maxURLBytes {
		return l, urlError("the URL is longer than %d bytes: send a shorter one", maxURLBytes)
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c == 0x7f:
			return l, urlError("the URL holds a space, a line break or another control character: percent-encode it")
		case c > 0x7f:
			return l, urlError("the URL holds a character outside ASCII: percent-encode it, and write the host in ASCII")
		case strings.IndexByte("\\\"<>^`{|}", c) >= 0:
			return l, urlError("the URL holds a backslash or another character that must be percent-encoded: encode it")
		}
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz") != "" {
		return l, urlError("the URL must be absolute and begin with a scheme and //, such as https://")
	}
	l.scheme = strings.ToLower(scheme)
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	switch {
	case authority == "":
		return l, urlError("the URL has no host: write it right behind the two slashes")
	case strings.Contains(authority, "@"):
		return l, urlError("the URL holds a user name or a password before the host: remove it")
	case strings.Contains(authority, "%"):
		return l, urlError("the host is percent-encoded: write it plainly")
	}
	host, port, err := splitPort(authority)
	if err != nil {
		return l, err
	}
	l.host, l.port = strings.ToLower(host), port
	if port == 0 {
		l.port = defaultPort(l.scheme)
	}
	if !isAddress(l.host) {
		if msg := checkHost(l.host); msg != "" {
			return l, urlError("the host %s", msg)
		}
	}
	// A second opinion: the parser that most of Go uses must read the same.
	parsed, perr := url.Parse(s)
	if perr != nil || parsed.User != nil || parsed.Opaque != "" || !strings.EqualFold(parsed.Hostname(), l.host) ||
		!strings.EqualFold(parsed.Scheme, l.scheme) {
		return l, urlError("the URL is not well formed: check its percent signs")
	}
	return l, nil
}

func splitPort(authority string) (host string, port int, err error) {
	var text string
	if authority[0] == '[' {
		var ok bool
		host, text, ok = strings.Cut(authority[1:], "]")
		if addr, e := netip.ParseAddr(host); !ok || e != nil || !addr.Is6() || addr.Zone() != "" || addr.Is4In6() || addr.String() != host {
			return "", 0, urlError("the IPv6 address is not written in its shortest form (RFC 5952): write it so")
		}
		if text == "" {
			return host, 0, nil
		}
		if text[0] != ':' {
			return "", 0, urlError("something stands between the host and the port: remove it")
		}
		text = text[1:]
	} else {
		var colon bool
		if host, text, colon = strings.Cut(authority, ":"); !colon {
			return host, 0, nil
		}
	}
	port, e := strconv.Atoi(text)
	if e != nil || port < 1 || port > 65535 || strconv.Itoa(port) != text {
		return "", 0, urlError("the port is not a plain number between 1 and 65535: write one, or leave it out")
	}
	return host, port, nil
}

// checkHost says what is wrong with a host in lower case, "" if nothing. It
// takes letters, digits and hyphens (RFC 1123) and nothing that a parser could
// take for an address (WHATWG: a last label that is a number).
func checkHost(host string) string {
	if len(host) > 253 {
		return "is longer than 253 characters"
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "begins or ends with a dot, or has an empty part: remove it"
		case len(label) > 63:
			return "has a part longer than 63 characters"
		case strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			return "may hold only letters, digits, hyphens and dots"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "has a part that begins or ends with a hyphen"
		case len(label) > 3 && label[2:4] == "--" && !isPunycode(label):
			return "has a part with hyphens at its third and fourth place, which is reserved"
		}
	}
	last := labels[len(labels)-1]
	if isDigits(last) || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "" {
		return "looks like a number, which some programs read as an address: use a name"
	}
	return ""
}

func isPunycode(label string) bool { return strings.HasPrefix(label, "xn--") }

// isAddress reports whether host is an IP address in its one canonical form.
func isAddress(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Zone() == "" && !a.Is4In6() && a.String() == host
}

func urlError(format string, a ...any) *ostiary.Error {
	return &ostiary.Error{Code: ostiary.CodeValidateURL, Message: fmt.Sprintf(format, a...)}
}
