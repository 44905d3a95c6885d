package egress

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
)

// carried are the headers that may go to another origin. It is a list of what is
// harmless and not of what is secret: a key may have any name.
var carried = []string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "User-Agent"}

// checkRedirect judges the next request of a chain; see [http.Client].
func (d *Dialer) checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case d.o.Redirects == 0:
		return badRedirect("to another URL")
	case len(via) > d.o.Redirects:
		return badRedirect("too often")
	}
	if err := d.CheckURL(next.URL); err != nil {
		e := ostiary.AsError(err)
		return &ostiary.Error{Code: ostiary.CodeEgressRedirect, Message: "the other side redirects to where the door does not go: " + e.Message, Reason: e.Reason, Err: err}
	}
	before := via[len(via)-1]
	if before.URL.Scheme == "https" && next.URL.Scheme != "https" {
		return badRedirect("from https to http")
	}
	next.Header.Del("Referer") // it names the URL before, which may be a secret
	first := origin(via[0].URL)
	left := slices.ContainsFunc(append(via[1:len(via):len(via)], next), func(r *http.Request) bool { return origin(r.URL) != first })
	if !left {
		return nil
	}
	// From here on the chain is somebody else's, even where it leads back: what
	// comes back was steered.
	if next.Method != http.MethodGet && next.Method != http.MethodHead {
		return badRedirect("a request with a body to another origin")
	}
	if p := next.URL.Port(); p != "" && p != defaultPort(next.URL.Scheme) && p != via[0].URL.Port() {
		return badRedirect("to another origin and an unusual port")
	}
	for name := range next.Header {
		if !slices.Contains(carried, name) {
			delete(next.Header, name)
		}
	}
	return nil
}

// origin is what credentials are for (RFC 6454).
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}
