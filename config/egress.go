package config

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/egress"
)

// What a webhook answers is read to its end and not used.
const (
	webhookTimeout = 10 * time.Second
	webhookAnswer  = 64 << 10
)

// allowPrivate is the list of what one use of the network may reach beside public
// addresses. It cannot be used to turn the check off; see package egress.
func allowPrivate() kind[[]string] {
	return list(checked("a range such as 10.0.0.0/8, an address, or the name of a host", "", egress.CheckPrivate), false)
}

// allowPrivateDoc says the same at each use.
const allowPrivateDoc = "What may be reached there beside public addresses: ranges such as `10.0.0.0/8`, addresses, and names of hosts that may lead to private networks, " +
	"or `localhost` for this machine. An address of this machine's own interfaces needs an entry that is it alone. Addresses at which clouds keep credentials are never reached. " +
	"Default: public addresses only."

func (h *Webhook) egress(now func() time.Time) (*egress.Dialer, error) {
	return egress.New(egress.Options{AllowPrivate: h.AllowPrivate, Timeout: webhookTimeout, Body: webhookAnswer, Clock: now})
}

// client posts to the webhook, and only to where it may lead.
func (h *Webhook) client(w Wiring) (*http.Client, error) {
	d, err := h.egress(w.Now)
	if err != nil {
		return nil, err
	}
	return d.Client(), nil
}

func (a *Audit) egress(now func() time.Time) (*egress.Dialer, error) {
	return egress.New(egress.Options{AllowPrivate: a.AllowPrivate, Timeout: webhookTimeout, Body: webhookAnswer, Clock: now})
}

// client posts checkpoints, and only to where they may lead.
func (a *Audit) client(now func() time.Time) (*http.Client, error) {
	d, err := a.egress(now)
	if err != nil {
		return nil, err
	}
	return d.Client(), nil
}

// checkCheckpoints finds what can be known of the URLs without the network, so that
// the first checkpoint is not what finds it.
func checkCheckpoints(d *decoder, at Pos, a *Audit) {
	e, err := a.egress(nil)
	for _, to := range a.CheckpointTo {
		if err != nil || !strings.HasPrefix(to, "https://") {
			continue
		}
		u, perr := url.Parse(to)
		if perr == nil {
			perr = e.CheckURL(u)
		}
		if perr != nil {
			d.failAt(at, "a checkpoint cannot be posted: %s", messageOf(perr))
		}
	}
	if err != nil {
		d.failAt(at, "checkpoints cannot be posted: %s", messageOf(err))
	}
}

// connectTime bounds the resolving of a server's name and the connection to it.
const connectTime = 10 * time.Second

// withPeople is what a call may take beside its own time, while its server waits
// for a person.
const withPeople = 10 * time.Minute

func (u *Upstream) egress(now func() time.Time, answer time.Duration, judge *egress.Peers) (*egress.Dialer, error) {
	return egress.New(egress.Options{AllowPrivate: u.AllowPrivate, Stream: true, Connect: connectTime, Timeout: answer, Clock: now, Peers: judge})
}

// longest is how long a call may run at most.
func (f *File) longest() time.Duration {
	most := f.Limits.Timeout
	for _, r := range f.Rules {
		most = max(most, r.Timeout)
	}
	return most + withPeople
}

// Client reaches the server at the URL, and nothing else. Each has connections of
// its own. The header of an answer may take as long as any call; who waits for it
// bounds it further. A server over TLS whose key is not the one that is pinned gets
// nothing: the handshake fails before a request or a credential is sent. Where another
// key is accepted, what is open to the one before is closed.
func (f *File) Client(h *House, u *Upstream, now func() time.Time) (*http.Client, error) {
	d, err := u.egress(now, f.longest(), h.peers(u))
	if err != nil {
		return nil, err
	}
	return d.Client(), nil
}

// reachable finds what can be known of the URL without the network.
func (u *Upstream) reachable() error {
	d, err := u.egress(nil, 0, nil)
	if err != nil {
		return err
	}
	at, err := url.Parse(u.URL)
	if err != nil {
		return err
	}
	return d.CheckURL(at)
}

// checkWebhookHost finds what can be known of a webhook's URL without the network,
// so that a request for approval is not the first to find it.
func checkWebhookHost(d *decoder, at Pos, h *Webhook) {
	e, err := h.egress(nil)
	if err == nil {
		var u *url.URL
		if u, err = url.Parse(h.URL); err == nil {
			err = e.CheckURL(u)
		}
	}
	if err != nil {
		d.failAt(at, "the webhook cannot be reached: %s", messageOf(err))
	}
}
