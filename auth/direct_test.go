package auth

import (
	"net/http"
	"net/http/httptest"
)

// pretended is where an issuer without a socket lives, for tests with a clock that
// stands still while the network is used.
var pretended = httptest.Server{URL: "https://issuer.example"}

// direct answers requests without a network.
type direct struct{ to http.Handler }

// RoundTrip implements [http.RoundTripper].
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.to.ServeHTTP(w, r)
	return w.Result(), nil
}
