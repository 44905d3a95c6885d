package approval

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// WebhookOptions are what [NewWebhook] needs. URL, Secret, Redact and
// Client have no default.
type WebhookOptions struct {
	// URL gets a POST for each request; https, or http on this machine. It is a
	// secret where the receiver knows the sender by it, so no error names it.
	URL string
	// Secret signs deliveries: at least 16 bytes. See [VerifySignature].
	Secret []byte
	// Link is where a person signs in to decide; the request's id is appended.
	// Empty until there is a console: the message names the command instead.
	Link string
	// Redact takes secrets out of a text.
	Redact func(string) string
	// Arguments says that the beginning of the masked arguments is sent too; what
	// is private but no secret then leaves with it.
	Arguments bool
	// Client posts, and decides where a URL may lead (package egress). It follows
	// no redirects in any case.
	Client *http.Client
	// Clock is time.Now by default, Rand crypto/rand.Reader, Logger silence.
	// All are used by many goroutines.
	Clock  func() time.Time
	Rand   io.Reader
	Logger *slog.Logger
}

const (
	minSecret   = 16
	postTimeout = 10 * time.Second
	postTries   = 20
	postsAtOnce = 8
	firstPause  = 500 * time.Millisecond
	mostPause   = time.Minute
)

// webhook tells of requests. It only tells: there is nothing that it listens to.
type webhook struct {
	url    string
	secret []byte
	link   string
	redact func(string) string
	// arguments says that they are sent, masked.
	arguments bool
	client    *http.Client
	clock     func() time.Time
	rand      io.Reader
	log       *slog.Logger
	slots     chan struct{}
	pause     func(context.Context, time.Duration) error // tests hurry it
}

// NewWebhook returns a notifier that posts each request as JSON, signed. A delivery
// is repeated, under the same id, after network errors and the statuses 408, 429
// and 5xx, until the request expires; any other status ends it. The error is
// [ostiary.CodeConfigInvalid].
func NewWebhook(o WebhookOptions) (Notifier, error) {
	switch {
	case o.Redact == nil:
		return nil, badWebhook("it has nothing that takes secrets out of a text")
	case o.Client == nil:
		return nil, badWebhook("it has nothing that posts")
	case len(o.Secret) < minSecret:
		return nil, badWebhook(fmt.Sprintf("its secret has fewer than %d bytes: make one, for example with `openssl rand -hex 32`", minSecret))
	case !webhookURL(o.URL):
		return nil, badWebhook("its URL is not https (or http to a loopback address), or holds a user or a fragment")
	case o.Link != "" && (!webhookURL(o.Link) || strings.ContainsAny(o.Link, "|<> ")):
		return nil, badWebhook("its link is not https (or http to a loopback address), or holds a user, a fragment or one of | < >")
	}
	w := &webhook{
		url: o.URL, secret: bytes.Clone(o.Secret), link: o.Link, redact: o.Redact, arguments: o.Arguments,
		clock: o.Clock, rand: o.Rand, log: o.Logger, slots: make(chan struct{}, postsAtOnce), pause: waitFor,
	}
	c := *o.Client
	// A redirect would carry the request to where nobody configured it to go.
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
	return w, nil
}

func badWebhook(why string) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the webhook cannot be used: " + why}
}

// webhookURL reports whether what is sent to a URL stays between its two ends.
func webhookURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Hostname() == "" || strings.Contains(raw, "#") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// Name implements [Notifier].
func (w *webhook) Name() string { return ChannelWebhook }

// Notify implements [Notifier]. It returns when the receiver has accepted the
// request, refused it, or cannot be reached in time.
func (w *webhook) Notify(ctx context.Context, r Request) error {
	var id [16]byte
	if _, err := io.ReadFull(w.rand, id[:]); err != nil {
		return webhookFailed("no random numbers", err)
	}
	delivery := hex.EncodeToString(id[:])
	body, err := w.body(&r, delivery)
	if err != nil {
		return webhookFailed("the message cannot be written", err)
	}
	for try := 1; ; try++ {
		left := r.Expires.Sub(w.clock())
		if left <= 0 {
			return webhookFailed("the request expired before", err)
		}
		var after time.Duration
		var again bool
		if after, again, err = w.post(ctx, delivery, body, min(left, postTimeout)); err == nil {
			return nil
		}
		pause, rerr := w.backoff(try)
		if rerr != nil {
			return webhookFailed("no random numbers", rerr)
		}
		pause = max(pause, after)
		switch {
		case !again:
			return webhookFailed("the receiver does not want it", err)
		case try == postTries, pause >= r.Expires.Sub(w.clock()):
			return webhookFailed(fmt.Sprintf("%d tries failed", try), err)
		}
		w.log.Warn("the webhook was not delivered and is tried again", "request", r.ID, "try", try, "in", pause, "err", err)
		if err := w.pause(ctx, pause); err != nil {
			return webhookFailed("nobody waits for it any more", err)
		}
	}
}

func webhookFailed(why string, err error) error {
	return &ostiary.Error{Code: ostiary.CodeApprovalRequired, Reason: "webhook: " + why, Err: err,
		Message: "the webhook did not tell anybody of this request; it can still be answered: ostiary approvals"}
}
