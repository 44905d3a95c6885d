package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
)

// Introspection is how opaque tokens are checked: their authorization server is
// asked (RFC 7662).
type Introspection struct {
	URL      string
	ClientID string
	// Secret returns the client's secret, which may change without a restart. It
	// is sent in the header Authorization, to URL alone.
	Secret func() (string, error)
	// Issuer, if set, must be the iss of the answer where there is one.
	Issuer string
	Claims Claims
	// DangerouslyAnyAudience accepts answers that do not say whom the token was
	// made for: a token for another resource then opens this one.
	DangerouslyAnyAudience bool
}

const (
	// activeFor and inactiveFor are how long answers are remembered.
	activeFor   = 30 * time.Second
	inactiveFor = 10 * time.Second
	// maxActive and maxInactive are how many. They are apart, so that a flood of
	// invented tokens drives out none that counts.
	maxActive   = 10_000
	maxInactive = 10_000
	// maxAsking is how many questions are asked at once, keptAsking how many more
	// about tokens that counted a while ago, so that a flood of invented ones does not
	// keep out who was in.
	maxAsking  = 16
	keptAsking = 8
	// askingFrom is how many questions are asked at once for those who come from one
	// address, so that a flood from there keeps nobody out who signs in elsewhere, and
	// maxWaiting how many wait for their turn.
	askingFrom = 4
	maxWaiting = 256
)

type introspector struct {
	Introspection
	http   *http.Client
	clock  func() time.Time
	skew   time.Duration
	expand func([]string) []string

	active   *cache[identity]
	inactive *cache[*ostiary.Error]

	mu     sync.Mutex
	asking map[tokenHash]*question
	from   map[string]int // questions for each address
	// freed is closed when a question has ended; waiting are those who wait for that.
	freed   chan struct{}
	waiting int
}

// question is one that several calls wait for.
type question struct {
	done chan struct{}
	id   identity
	err  *ostiary.Error
}

func (n *Introspection) ready(o *Options) (*introspector, error) {
	if err := secureURL(n.URL); err != nil {
		return nil, configInvalid("auth: the introspection endpoint %q is %v", n.URL, err)
	}
	if n.ClientID == "" || n.Secret == nil {
		return nil, configInvalid("auth: introspection needs a client id and a secret: the issuer must not answer everybody")
	}
	client := bounded(o.HTTP)
	// The token and the secret go where the configuration says and nowhere else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &introspector{
		Introspection: *n, http: client, clock: o.Clock, skew: o.Skew, expand: o.Expand,
		active: newCache[identity](maxActive), inactive: newCache[*ostiary.Error](maxInactive), asking: map[tokenHash]*question{}, from: map[string]int{}, freed: make(chan struct{}),
	}, nil
}

// verify returns who an opaque token stands for. from is where it comes from, "" if
// nobody knows.
func (n *introspector) verify(ctx context.Context, token string, hash tokenHash, from string) (identity, *ostiary.Error) {
	now := n.clock()
	if id, ok := n.active.get(&hash, now); ok {
		return id, nil
	}
	if err, ok := n.inactive.get(&hash, now); ok {
		return identity{}, err
	}
	q, err := n.question(ctx, hash, token, from)
	if err != nil {
		return identity{}, unavailable("introspection", time.Second, err)
	}
	select {
	case <-ctx.Done():
		return identity{}, unavailable("introspection", time.Second, ctx.Err())
	case <-q.done:
		return q.id, q.err
	}
}

var errAsking = errors.New("too many questions at once")

// question is the one about a token, which begins now unless it is asked already.
// Where others from the same address are asked about, it waits for its turn.
func (n *introspector) question(ctx context.Context, hash tokenHash, token, from string) (*question, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if q := n.asking[hash]; q != nil {
			return q, nil
		}
		open, counted := len(n.asking), n.active.had(&hash)
		crowded := from != "" && !counted && n.from[from] >= askingFrom
		switch {
		case open >= maxAsking && (open >= maxAsking+keptAsking || !counted), crowded && n.waiting >= maxWaiting:
			return nil, errAsking
		case !crowded:
			q := &question{done: make(chan struct{})}
			n.asking[hash] = q
			n.from[from]++
			go n.answer(q, hash, token, from)
			return q, nil
		}
		freed := n.freed
		n.waiting++
		n.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
		n.mu.Lock()
		n.waiting--
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// answer asks, for everybody who waits, and remembers what was said. An outage is
// not remembered.
func (n *introspector) answer(q *question, hash tokenHash, token, from string) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	now := n.clock()
	c, err := n.ask(ctx, token)
	if err != nil {
		q.err = unavailable("introspection", time.Second, err)
	} else if q.id, q.err = n.judge(c, now); q.err != nil {
		n.inactive.put(&hash, q.err, now, now.Add(inactiveFor))
	} else {
		until := now.Add(activeFor)
		if e := q.id.expires; !e.IsZero() && e.Before(until) {
			until = e
		}
		n.active.put(&hash, q.id, now, until)
	}
	n.mu.Lock()
	delete(n.asking, hash)
	if n.from[from]--; n.from[from] == 0 {
		delete(n.from, from)
	}
	close(n.freed)
	n.freed = make(chan struct{})
	n.mu.Unlock()
	close(q.done)
}

func (n *introspector) judge(c claims, now time.Time) (identity, *ostiary.Error) {
	if c["active"] != true {
		return identity{}, refuse(ostiary.CodeAuthInactive, "the issuer does not accept this token, or no more: sign in again")
	}
	if _, said := c["iss"]; said && n.Issuer != "" && c.text("iss") != n.Issuer {
		return identity{}, refuse(ostiary.CodeAuthIssuer, "the token is of an issuer that is not known here: sign in where the metadata of this resource says")
	}
	exp, err := inTime(c, now, n.skew, false)
	if err != nil {
		return identity{}, err
	}
	id, err := identify(c, &n.Claims, n.expand)
	id.expires = exp
	return id, err
}

func (n *introspector) ask(ctx context.Context, token string) (claims, error) {
	secret, err := n.Secret()
	if err != nil {
		return nil, errors.New("the secret of the client cannot be read")
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	// RFC 6749, section 2.3.1: both are form-encoded before.
	pair := url.QueryEscape(n.ClientID) + ":" + url.QueryEscape(secret)
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	resp, err := n.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || err != nil || kind != "application/json" {
		return nil, errors.New("status " + resp.Status + ", type " + kind)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	c, err := decodeClaims(body)
	if err != nil {
		return nil, errors.New("the answer is no JSON object")
	}
	return c, nil
}
