package relay

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// idleConns is how many connections to the server wait for the next request, as
// many as there are callers at most, so that no request needs a new one.
const idleConns = 256

// Proxy passes requests to a server over HTTP and its answers back, and looks at
// nothing.
func Proxy(upstream string) (http.Handler, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path = u.Scheme, u.Host, u.Path
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: idleConns, DisableCompression: true},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the server closes the body that the proxy still reads the end of when
		// the answer comes at once, and the answer is lost.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	}), nil
}

// SDKOverHTTP speaks to a server over HTTP with the SDK's client and serves its
// tools with the SDK's server, in both eras. Only tools pass. All callers share the
// one session with the server, which spares it work.
func SDKOverHTTP(ctx context.Context, upstream string) (http.Handler, error) {
	server, _, err := between(ctx, &mcp.StreamableClientTransport{
		Endpoint: upstream, DisableStandaloneSSE: true,
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: idleConns, DisableCompression: true}},
	})
	if err != nil {
		return nil, err
	}
	get := func(*http.Request) *mcp.Server { return server }
	sessions := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{JSONResponse: true})
	stateless := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{JSONResponse: true, Stateless: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Protocol-Version") == "2026-07-28" {
			stateless.ServeHTTP(w, r)
			return
		}
		sessions.ServeHTTP(w, r)
	}), nil
}
