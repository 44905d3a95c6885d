package approval

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
	post "github.com/ostiary/ostiary/internal/webhook"
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

	pause func(context.Context, time.Duration) error // tests hurry it
}

// webhook tells of requests. It only tells: there is nothing that it listens to.
type webhook struct {
	sender *post.Sender
	link   string
	redact func(string) string
	// arguments says that they are sent, masked.
	arguments bool
}

// NewWebhook returns a notifier that posts each request as JSON, signed. A delivery
// is repeated, under the same id, after network errors and the statuses 408, 429
// and 5xx, until the request expires; any other status ends it. The error is
// [ostiary.CodeConfigInvalid].
func NewWebhook(o WebhookOptions) (Notifier, error) {
	switch {
	case o.Redact == nil:
		return nil, badWebhook("it has nothing that takes secrets out of a text")
	case o.Link != "" && (!post.URL(o.Link) || strings.ContainsAny(o.Link, "|<> ")):
		return nil, badWebhook("its link is not https (or http to a loopback address), or holds a user, a fragment or one of | < >")
	}
	s, err := post.New(post.Options{
		URL: o.URL, Secret: o.Secret, Client: o.Client, Clock: o.Clock, Rand: o.Rand, Logger: o.Logger, Pause: o.pause,
	})
	if err != nil {
		return nil, badWebhook(err.Error())
	}
	return &webhook{sender: s, link: o.Link, redact: o.Redact, arguments: o.Arguments}, nil
}

func badWebhook(why string) error {
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid, Message: "the webhook cannot be used: " + why}
}

// Name implements [Notifier].
func (w *webhook) Name() string { return ChannelWebhook }

// Notify implements [Notifier]. It returns when the receiver has accepted the
// request, refused it, or cannot be reached in time.
func (w *webhook) Notify(ctx context.Context, r Request) error {
	err := w.sender.Send(ctx, r.Expires, func(delivery string) ([]byte, error) { return w.body(&r, delivery) }, "request", r.ID)
	if err == nil {
		return nil
	}
	e := &ostiary.Error{Code: ostiary.CodeApprovalRequired, Reason: "webhook: it failed", Err: err,
		Message: "the webhook did not tell anybody of this request; it can still be answered: ostiary approvals"}
	if f := (*post.Failed)(nil); errors.As(err, &f) {
		e.Reason, e.Err = "webhook: "+f.Why, f.Err
	}
	return e
}

// VerifySignature is for receivers of the webhook: header is the value of
// Ostiary-Signature, body are the bytes as they came. It returns nil only if one
// of the header's v1 signatures is of this secret and body and was made within
// tolerance of now. Within that time the same delivery may come again: keep the
// "delivery" of the body's object "ostiary" and do each once. The error is
// [ostiary.CodeAuthNobody].
func VerifySignature(secret []byte, header string, body []byte, now time.Time, tolerance time.Duration) error {
	return post.Verify(secret, header, body, now, tolerance)
}
