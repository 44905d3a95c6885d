package auth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ResourceOptions describe one protected endpoint to those who want to sign in.
type ResourceOptions struct {
	// URL is the endpoint as clients reach it, and the audience of its tokens
	// (RFC 8707): https, without query and fragment.
	URL string
	// AuthorizationServers are the issuers where a token is had. With none, as
	// where only API keys count, there is no metadata.
	AuthorizationServers []string
	// Scopes are those that a client may ask for.
	Scopes []string
	// Name is for people.
	Name string
}

// Resource is a protected endpoint: its metadata (RFC 9728) and its challenges. It
// is used by many goroutines at once.
type Resource struct {
	o            ResourceOptions
	metadataPath string
	metadataURL  string
	document     []byte
}

// wellKnown is where metadata lies, in front of the path of the resource.
const wellKnown = "/.well-known/oauth-protected-resource"

// NewResource checks the options and writes the document. The error is
// config_invalid.
func NewResource(o ResourceOptions) (*Resource, error) {
	u, err := url.Parse(o.URL)
	if err != nil || secureURL(o.URL) != nil || u.RawQuery != "" || u.ForceQuery || u.EscapedPath() != u.Path || strings.ContainsAny(o.URL, `"\ `) {
		return nil, configInvalid("auth: the resource %q is not an https URL without user, query and fragment", o.URL)
	}
	for _, s := range o.AuthorizationServers {
		if err := secureURL(s); err != nil {
			return nil, configInvalid("auth: the authorization server %q is %v", s, err)
		}
	}
	for _, s := range o.Scopes {
		if !scopeToken(s) {
			return nil, configInvalid("auth: %q is no scope", s)
		}
	}
	m := &Resource{o: o, metadataPath: wellKnown + strings.TrimSuffix(u.Path, "/")}
	m.metadataURL = u.Scheme + "://" + u.Host + m.metadataPath
	m.document, err = json.Marshal(struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers,omitempty"`
		Scopes   []string `json:"scopes_supported,omitempty"`
		Methods  []string `json:"bearer_methods_supported"`
		Name     string   `json:"resource_name,omitempty"`
	}{o.URL, o.AuthorizationServers, o.Scopes, []string{"header"}, o.Name})
	return m, err
}

// Audience is what the claim aud of a token for this endpoint names.
func (m *Resource) Audience() string { return m.o.URL }

// MetadataPath is where ServeHTTP belongs: /.well-known/oauth-protected-resource
// and the path of the resource.
func (m *Resource) MetadataPath() string { return m.metadataPath }

// ServeHTTP gives the metadata to everybody: it is public, and clients in browsers
// read it from other origins.
func (m *Resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case len(m.o.AuthorizationServers) == 0:
		http.Error(w, "this resource has no authorization server: ask the operator for an API key", http.StatusNotFound)
		return
	case r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "MCP-Protocol-Version")
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(m.document)))
	h.Set("Cache-Control", "public, max-age=300")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(m.document) // whoever is gone needs no metadata
	}
}
