package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
)

// Approvals are the bounds of what a person is asked.
type Approvals struct {
	// Wait is how long a call waits for a person whose client asked for no
	// progress; Expire how long a request, and what it approves, lasts.
	Wait, Expire time.Duration
	// Pending is how many requests of one principal may be open.
	Pending int
	// Desktop says that the person is told by a notification where there are any.
	Desktop bool
	// Webhook is told of each request; nil is none.
	Webhook *Webhook
}

// Webhook is told of each request for an approval.
type Webhook struct {
	// URL gets the requests, signed with Secret. Link is where a person signs in
	// to decide; empty where there is no such place.
	URL, Secret, Link string
	// AllowPrivate are the private addresses that URL may lead to.
	AllowPrivate []string
}

// Preview says how the door shows what a call would do. One of Write, Delete
// and SQL is set.
type Preview struct {
	Write  *PreviewWrite
	Delete *PreviewDelete
	SQL    *PreviewSQL
}

// PreviewWrite names the arguments of a tool that writes a file.
type PreviewWrite struct{ Path, Content string }

// PreviewDelete names the argument of a tool that deletes a file or directory.
type PreviewDelete struct{ Path string }

// PreviewSQL names the argument of a tool that runs SQL.
type PreviewSQL struct {
	Query, Dialect string
	// Database is a SQLite file whose plan is shown, absolute; empty is none.
	Database string
}

func approvalsKind() kind[Approvals] {
	return object("approvals", nil, checkWaiting,
		key("wait", duration(0, time.Hour), func(a *Approvals) *time.Duration { return &a.Wait },
			"How long a call waits for a person where the client asked for no progress; one that did waits until the request expires. Default: `45s`, less than the time-out of most clients."),
		key("expire", duration(time.Second, 7*24*time.Hour), func(a *Approvals) *time.Duration { return &a.Expire },
			"How long a request lasts, and an approval that was not used. Default: `10m`."),
		key("pending", integer(1, 1000), func(a *Approvals) *int { return &a.Pending },
			"How many requests of one principal may wait for a person; those about one server have half of it, rounded up. Default: `10`."),
		key("notify", notify(), func(a *Approvals) *bool { return &a.Desktop },
			"`desktop` shows a notification where the system has them, `none` shows none. Default: `desktop`."),
		key("webhook", pointer(webhookKind()), func(a *Approvals) **Webhook { return &a.Webhook },
			"A URL that is told of each request, and of each anomaly (`limits.anomaly`). It never approves by itself."),
	)
}

// checkWaiting refuses a wait that outlasts what it waits for.
func checkWaiting(d *decoder, at Pos, a *Approvals) {
	if a.Expire < a.Wait {
		d.failAt(at, "a request would expire after %s, before the call has waited %s for it: make expire: the longer of the two (if left out, wait: is 45s and expire: 10m)",
			showDuration(a.Expire), showDuration(a.Wait))
	}
}

func notify() kind[bool] {
	w := word("desktop", "none")
	return kind[bool]{w.shape, func(d *decoder, n ast.Node, out *bool) {
		var s string
		w.decode(d, n, &s)
		*out = s == "desktop"
	}}
}

func webhookKind() kind[Webhook] {
	return object("a webhook", nil, checkWebhookHost,
		must(key("url", checked("an https URL", "^https?://", checkWebhook), func(w *Webhook) *string { return &w.URL },
			"Where each request is posted to, as JSON that Slack reads too. `http` only to this machine, and that only with `allow_private`. No redirect is followed.")),
		must(key("secret", envValue(), func(w *Webhook) *string { return &w.Secret },
			"What signs the posts (HMAC-SHA256), at least 16 characters: `${file:PATH}` or `${env:NAME}`.")),
		key("link", checked("an https URL", "^https?://", checkWebhook), func(w *Webhook) *string { return &w.Link },
			"Where a person signs in to decide; the post carries it with the id of the request."),
		key("allow_private", allowPrivate(), func(w *Webhook) *[]string { return &w.AllowPrivate }, allowPrivateDoc),
	)
}

func checkWebhook(t string) error {
	if err := checkURL(t); err != nil {
		return err
	}
	u, err := url.Parse(t)
	switch {
	case err != nil:
		return errors.New("this is no URL: write https://host/path")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("a webhook needs https, or http to this machine")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func checkWebhookSecret(d *decoder, w *Webhook, at Pos) {
	if w != nil && len(w.Secret) < 16 && !d.o.SkipSecrets {
		d.failAt(at, "the secret of the webhook is too short to sign with: give at least 16 characters, as ${file:PATH} or ${env:NAME}")
	}
}

func argument(what string) kind[string] {
	return checked(what, "", func(s string) error {
		if len(s) > 256 {
			return fmt.Errorf("%q is no name of an argument", brief(s))
		}
		return nil
	})
}

const argumentName = "the name of an argument"

func grantKind() kind[ostiary.GrantRule] {
	type rule = ostiary.GrantRule
	return object("grant", nil, nil,
		key("max", duration(time.Second, 24*time.Hour), func(g *rule) *time.Duration { return &g.Max },
			"The longest life of a grant that counts here. Default: `5m`, for `execute` `1m`."),
		key("only", boolean(), func(g *rule) *bool { return &g.Only },
			"`true`: single calls are not approved here; without a grant they are refused."),
	)
}

// rewriteKind reads one of the keys that say how the door changes arguments.
func rewriteKind(title, doc string, at func(*ostiary.Rewrite) *string) kind[ostiary.Rewrite] {
	return object(title, nil, nil, must(key("argument", argument(argumentName), at, doc)))
}

// confirm says what becomes of arguments by which a model confirms for itself.
type confirm struct {
	Arguments []string
	Ignore    bool
}

func confirmKind() kind[confirm] {
	do := word("strip", "ignore")
	return object("confirm", nil, nil,
		must(key("argument", oneOrMany(argument(argumentName)), func(c *confirm) *[]string { return &c.Arguments },
			"The arguments by which the model would confirm for itself.")),
		key("do", kind[bool]{do.shape, func(d *decoder, n ast.Node, out *bool) {
			var s string
			do.decode(d, n, &s)
			*out = s == "ignore"
		}}, func(c *confirm) *bool { return &c.Ignore },
			"`strip` removes them before anything else looks, `ignore` passes them on. Neither is an approval. Default: `strip`."),
	)
}

func idempotencyKind() kind[ostiary.IdempotencyRule] {
	type rule = ostiary.IdempotencyRule
	return object("idempotency", nil, nil,
		key("argument", argument(argumentName), func(i *rule) *string { return &i.Argument },
			"The tool's argument that holds the key. A key in `_meta` (`ostiary/idempotency-key`) counts everywhere."),
		key("required", boolean(), func(i *rule) *bool { return &i.Required },
			"`true`: a call without a key is refused."),
		key("keep", duration(time.Second, 30*24*time.Hour), func(i *rule) *time.Duration { return &i.Keep },
			"How long a result is kept for repetitions. Default: `24h`."),
	)
}

func previewKind() kind[Preview] {
	return object("preview", []string{"write", "delete", "sql"}, nil,
		key("write", pointer(object("preview of a write", nil, nil,
			must(key("path", argument(argumentName), func(p *PreviewWrite) *string { return &p.Path }, "The argument that names the file.")),
			must(key("content", argument(argumentName), func(p *PreviewWrite) *string { return &p.Content }, "The argument that holds its whole new content.")),
		)), func(p *Preview) **PreviewWrite { return &p.Write }, "Shows a file as a difference."),
		key("delete", pointer(object("preview of a delete", nil, nil,
			must(key("path", argument(argumentName), func(p *PreviewDelete) *string { return &p.Path }, "The argument that names what goes.")),
		)), func(p *Preview) **PreviewDelete { return &p.Delete }, "Shows what goes, with its size."),
		key("sql", pointer(object("preview of SQL", nil, nil,
			must(key("query", argument(argumentName), func(p *PreviewSQL) *string { return &p.Query }, "The argument that holds the statement.")),
			must(key("dialect", word("postgresql", "sqlite"), func(p *PreviewSQL) *string { return &p.Dialect }, "The dialect of the statement.")),
			key("database", path(), func(p *PreviewSQL) *string { return &p.Database }, "A SQLite file; its plan for the statement is shown, and nothing is run."),
		)), func(p *Preview) **PreviewSQL { return &p.SQL }, "Shows what a statement is and touches."),
	)
}
