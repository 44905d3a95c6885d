package gateway

import "net/http"

// Outdated answers clients of HTTP+SSE, the transport of revision 2024-11-05 that
// streamable HTTP took the place of: they open a stream by GET, wait for an event
// that names where to post, and would wait for ever.
type Outdated struct {
	// Endpoint is the URL to use instead.
	Endpoint string
	// Refused, if set, is told of each request, with an *ostiary.Error.
	Refused func(*http.Request, error)
}

// ServeHTTP implements http.Handler. The status is 410: no client takes it for the
// beginning of a stream or tries again (RFC 9110, section 15.5.11).
func (o Outdated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.Refused != nil {
		o.Refused(r, httpError("a client of HTTP+SSE was told to use streamable HTTP"))
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, outdated+o.Endpoint, http.StatusGone)
}

const outdated = "the transport HTTP+SSE (2024-11-05) is not spoken here: set the client's transport to streamable HTTP (its type is http) and its URL to "

// asksForEndpoint reports whether a GET may be the first request of a client of
// HTTP+SSE: it wants a stream and has no session.
func asksForEndpoint(r *http.Request) bool {
	return r.Method == http.MethodGet && accepts(r.Header, "text/event-stream")
}
