// Package webhook posts signed messages to a URL that the operator configured, for
// every room that tells somebody outside of something.
//
// Threat: a message that somebody else made, changed or sends again; a receiver
// that is away when it counts, or that a redirect leads elsewhere; a URL that is
// itself a secret and stands in a log.
//
// Promise: each delivery has an id, a time and an HMAC-SHA256 over time and body;
// it is repeated under the same id, signed anew, until the receiver takes it, its
// time is over or the tries are used up. No redirect is followed, and no error
// names the URL.
//
// What it does not stop: a receiver that does not look at the signature, the time
// and the id believes anybody; whoever has the secret can sign.
package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are what a [Sender] needs. URL, Secret and Client have no default.
type Options struct {
	// URL gets the posts; see [URL].
	URL string
	// Secret signs them: at least [MinSecret] bytes.
	Secret []byte
	// Client posts, and decides where the URL may lead (package egress).
	Client *http.Client
	// Clock is time.Now by default, Rand crypto/rand.Reader, Logger silence, and
	// Pause waits for a time or the end of ctx. All are used by many goroutines.
	Clock  func() time.Time
	Rand   io.Reader
	Logger *slog.Logger
	Pause  func(context.Context, time.Duration) error
}

// MinSecret is how many bytes a secret has at least.
const MinSecret = 16

const (
	postTimeout = 10 * time.Second
	postTries   = 20
	postsAtOnce = 8
	firstPause  = 500 * time.Millisecond
	mostPause   = time.Minute
)

// Sender delivers messages. It is used by many goroutines at once.
type Sender struct {
	url    string
	secret []byte
	client *http.Client
	clock  func() time.Time
	rand   io.Reader
	log    *slog.Logger
	slots  chan struct{}
	pause  func(context.Context, time.Duration) error
}

// New makes a Sender. The error says what is missing.
func New(o Options) (*Sender, error) {
	switch {
	case o.Client == nil:
		return nil, errors.New("it has nothing that posts")
	case len(o.Secret) < MinSecret:
		return nil, fmt.Errorf("its secret has fewer than %d bytes: make one, for example with `openssl rand -hex 32`", MinSecret)
	case !URL(o.URL):
		return nil, errors.New("its URL is not https (or http to a loopback address), or holds a user or a fragment")
	}
	w := &Sender{
		url: o.URL, secret: bytes.Clone(o.Secret), clock: o.Clock, rand: o.Rand, log: o.Logger,
		slots: make(chan struct{}, postsAtOnce), pause: o.Pause,
	}
	c := *o.Client
	// A redirect would carry the message to where nobody configured it to go.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.client = &c
	if w.clock == nil {
		w.clock = time.Now
	}
	if w.rand == nil {
		w.rand = rand.Reader
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.pause == nil {
		w.pause = waitFor
	}
	return w, nil
}

// URL reports whether what is sent to a URL stays between its two ends: https, or
// http on this machine, without a user or fragment.
func URL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Hostname() == "" || strings.Contains(raw, "#") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// Failed says why a message was not delivered.
type Failed struct {
	Why string
	Err error // of the last try; may be nil
}

// Error implements error.
func (f *Failed) Error() string {
	if f.Err == nil {
		return f.Why
	}
	return f.Why + ": " + f.Err.Error()
}

// Unwrap returns the error of the last try.
func (f *Failed) Unwrap() error { return f.Err }

// Send posts one message, until a time. body makes it with the id of its
// delivery, which is the same in every try; about says in the log what it is about. The error
// is a [Failed].
func (w *Sender) Send(ctx context.Context, until time.Time, body func(delivery string) ([]byte, error), about ...any) error {
	var id [16]byte
	if _, err := io.ReadFull(w.rand, id[:]); err != nil {
		return &Failed{"no random numbers", err}
	}
	delivery := hex.EncodeToString(id[:])
	message, err := body(delivery)
	if err != nil {
		return &Failed{"the message cannot be written", err}
	}
	for try := 1; ; try++ {
		left := until.Sub(w.clock())
		if left <= 0 {
			return &Failed{"its time was over before", err}
		}
		var after time.Duration
		var again bool
		if after, again, err = w.post(ctx, delivery, message, min(left, postTimeout)); err == nil {
			return nil
		}
		pause, rerr := w.backoff(try)
		if rerr != nil {
			return &Failed{"no random numbers", rerr}
		}
		pause = max(pause, after)
		switch {
		case !again:
			return &Failed{"the receiver does not want it", err}
		case try == postTries, pause >= until.Sub(w.clock()):
			return &Failed{fmt.Sprintf("%d tries failed", try), err}
		}
		w.log.Warn("the webhook was not delivered and is tried again", append([]any{"try", try, "in", pause, "err", err}, about...)...)
		if err := w.pause(ctx, pause); err != nil {
			return &Failed{"nobody waits for it any more", err}
		}
	}
}
