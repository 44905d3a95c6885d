package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/ostiary/ostiary"
)

// Hosts decides by whom an HTTP server lets itself be called: by which names, and
// from pages of which origins. A page of somebody else's that a browser shows can
// send requests to a loopback address, and by DNS rebinding even under a name of
// its own; neither comes further than here.
type Hosts struct {
	// Names are the host names and addresses by which clients call, without port.
	// If it is empty, only loopback names and addresses count.
	Names []string
	// Origins are those of pages that may call, such as https://console.example.
	// A page of the server's own host always may.
	Origins []string
	// Refused, if set, is told of every request that came no further, with an
	// *ostiary.Error.
	Refused func(*http.Request, error)
}

// Guard lets through to next what Host and Origin allow, and answers 403 to the
// rest (MCP 2025-11-25 and 2026-07-28, transports, security warning).
func (h Hosts) Guard(next http.Handler) http.Handler {
	stranger := "pages of that origin may not call this server: the operator lists those that may"
	cross := http.NewCrossOriginProtection()
	for _, o := range h.Origins {
		_ = cross.AddTrustedOrigin(o) // one that is none is not trusted
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.refuse(w, r, stranger) }))
	within := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !h.named(r.Host):
			h.refuse(w, r, "this server is not called by that name: call it by one that its operator configured")
		case !h.from(r):
			h.refuse(w, r, stranger)
		default:
			within.ServeHTTP(w, r)
		}
	})
}

func (h Hosts) refuse(w http.ResponseWriter, r *http.Request, message string) {
	if h.Refused != nil {
		h.Refused(r, &ostiary.Error{Code: ostiary.CodeGatewayHost, Message: message})
	}
	http.Error(w, message, http.StatusForbidden)
}

func (h Hosts) named(host string) bool {
	name := hostname(host)
	if name == "" {
		return false
	}
	if len(h.Names) == 0 {
		return loopback(name)
	}
	for _, n := range h.Names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// from judges the Origin, which browsers set and pages cannot.
func (h Hosts) from(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) == 0:
		return r.Header.Get("Sec-Fetch-Site") != "cross-site"
	case len(origins) > 1:
		return false
	}
	origin := origins[0]
	for _, o := range h.Origins {
		if strings.EqualFold(o, origin) {
			return true
		}
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(host, r.Host)
}

// hostname is a Host field without its port, lower case, without brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}

func loopback(name string) bool {
	if name == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.IsLoopback()
}
