package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// OAuth is a client of an issuer, which is the door itself (RFC 6749, section
// 4.4).
type OAuth struct {
	// TokenURL is the token endpoint. Issuer, without one, names where it says so
	// (RFC 8414, or OpenID Connect discovery).
	TokenURL, Issuer string
	ClientID         string
	Secret           []Part
	Scopes           []string
	// Resource is the server that the token is for (RFC 8707); "" names none.
	Resource string
	// Post sends id and secret in the body and not in the header.
	Post bool
	// HTTP reaches the issuer.
	HTTP *http.Client
}

const (
	// issuerTime bounds one attempt to get a token, discovery included.
	issuerTime = 15 * time.Second
	// early is how long before its end a token is replaced, or a fifth of its life.
	early = 30 * time.Second
	// unknownLife is how long a token is used whose issuer does not say it, and
	// longestLife how long any is.
	unknownLife = 5 * time.Minute
	longestLife = 24 * time.Hour
	metaBytes   = 256 << 10
)

// token is a value that an issuer gives.
type token struct {
	*fetched
	o      Options
	source string
	a      OAuth
	secret *text

	mu  sync.Mutex
	url string // of the token endpoint
}

func newToken(o Options, source string, s Source) *token {
	t := &token{o: o, source: source, a: *s.OAuth, url: s.OAuth.TokenURL, secret: newText(o, source+" client secret", s.OAuth.Secret, s.Refresh)}
	t.fetched = &fetched{now: o.Now, timeout: issuerTime, fetch: t.fetch}
	return t
}

func (t *token) fetch(ctx context.Context) (held, error) {
	at, err := t.endpoint(ctx)
	if err != nil {
		return held{}, unavailable(t.source, "the issuer does not say where it gives tokens", err)
	}
	began := t.o.Now()
	secret, err := t.secret.get(ctx)
	if err != nil {
		return held{}, err
	}
	got, err := t.ask(ctx, at, secret)
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refusesClient(refused) && t.secret.renew(ctx, secret) {
		if secret, err = t.secret.get(ctx); err == nil {
			got, err = t.ask(ctx, at, secret)
		}
	}
	if err != nil {
		return held{}, unavailable(t.source, reason(err), nil)
	}
	if !strings.EqualFold(got.Type(), "bearer") || len(got.AccessToken) < t.o.Least || strings.ContainsAny(got.AccessToken, " \r\n\x00") {
		return held{}, unavailable(t.source, "the issuer gave something that is no bearer token", nil)
	}
	life := unknownLife
	if !got.Expiry.IsZero() { // the library adds what the issuer said to the time of this machine
		life = min(time.Until(got.Expiry), longestLife)
	}
	text := "Bearer " + got.AccessToken
	t.o.Learn(t.source, text, got.AccessToken)
	until := began.Add(life)
	return held{text: text, refresh: until.Add(-min(early, life/5)), until: until}, nil
}

// ask requests one token. The library takes its client from the context.
func (t *token) ask(ctx context.Context, at, secret string) (*oauth2.Token, error) {
	c := clientcredentials.Config{ClientID: t.a.ClientID, ClientSecret: secret, TokenURL: at, Scopes: t.a.Scopes, AuthStyle: oauth2.AuthStyleInHeader}
	if t.a.Post {
		c.AuthStyle = oauth2.AuthStyleInParams
	}
	if t.a.Resource != "" {
		c.EndpointParams = url.Values{"resource": {t.a.Resource}}
	}
	return c.Token(context.WithValue(ctx, oauth2.HTTPClient, t.a.HTTP))
}

func refusesClient(e *oauth2.RetrieveError) bool {
	return e.ErrorCode == "invalid_client" || e.Response != nil && e.Response.StatusCode == http.StatusUnauthorized
}

// reason says why the issuer gave no token, without what it wrote.
func reason(err error) string {
	e := (*oauth2.RetrieveError)(nil)
	if !errors.As(err, &e) || e.Response == nil {
		return "the issuer cannot be reached or gave no token"
	}
	why := fmt.Sprintf("the issuer answered with the status %d", e.Response.StatusCode)
	switch e.ErrorCode { // RFC 6749, section 5.2, and RFC 8707
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target":
		why += " and the error " + e.ErrorCode
	}
	return why
}

// endpoint is where tokens are given. What was found is not asked for again.
func (t *token) endpoint(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.url != "" {
		return t.url, nil
	}
	u, err := url.Parse(t.a.Issuer)
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(u.Path, "/")
	var errs []error
	for _, p := range []string{"/.well-known/oauth-authorization-server" + path, path + "/.well-known/openid-configuration"} {
		at := *u
		at.Path = p
		found, err := t.metadata(ctx, at.String())
		if err == nil {
			t.url = found
			return found, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// metadata reads the token endpoint from an issuer's metadata, which must be its
// own (RFC 8414, section 3.3).
func (t *token) metadata(ctx context.Context, at string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	resp, err := t.a.HTTP.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var m struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered with the status %d", at, resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, metaBytes)).Decode(&m); err != nil {
		return "", fmt.Errorf("%s gave no metadata: %w", at, err)
	}
	issuer, _ := url.Parse(t.a.Issuer)
	found, err := url.Parse(m.Token)
	switch {
	case m.Issuer != t.a.Issuer:
		return "", fmt.Errorf("%s speaks for another issuer", at)
	case err != nil || found.Host == "" || found.Scheme != "https" && found.Scheme != issuer.Scheme:
		return "", fmt.Errorf("%s names no token endpoint that is as safe as the issuer", at)
	}
	return m.Token, nil
}
