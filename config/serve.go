package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Serve is the door over HTTP.
type Serve struct {
	// URL is the door as clients reach it, without the path of an endpoint; empty
	// where it is only reached on this machine.
	URL string
	// Names are further host names by which it is called, Origins the pages that
	// may call it.
	Names, Origins []string
	// Cert and Key are the files of its certificate, ClientCA those whose client
	// certificates count.
	Cert, Key, ClientCA string
	// Socket is the path of a Unix socket that it listens on too, "" for none, and
	// SocketGroup the group that may connect beside the door's own user.
	Socket, SocketGroup string
	// Idle is after how long a session without requests ends; Sessions how many
	// one principal may have.
	Idle     time.Duration
	Sessions int
	// Write is how long one write may wait for a client that does not read, Read how
	// long the body of a request may take to come.
	Write, Read time.Duration
	// Streams is how many streams, subscriptions and WebSockets one principal may have
	// open; AllStreams and AllSessions are those of the whole process.
	Streams, AllStreams, AllSessions int
	// WebSocket lets clients speak by WebSocket too.
	WebSocket bool
	// TrustedProxies are the networks of proxies that are believed when they say for
	// whom they ask, in X-Forwarded-For or, with Forwarded, in that header. TrustAll
	// believes everybody.
	TrustedProxies      []netip.Prefix
	Forwarded, TrustAll bool
}

func serveKind() kind[Serve] {
	return object("serve", nil, checkServe,
		key("url", checked("a URL such as https://gateway.example", "^https?://", checkBase), func(s *Serve) *string { return &s.URL },
			"The door as its clients reach it. Its host is a name by which it may be called, and tokens must be made for `URL/UPSTREAM/mcp`. Default: only this machine reaches it."),
		key("names", list(text("the name of a host"), false), func(s *Serve) *[]string { return &s.Names },
			"Further names and addresses of hosts by which clients may call, without port."),
		key("origins", list(checked("an origin such as https://console.example", "^https?://", checkOrigin), false), func(s *Serve) *[]string { return &s.Origins },
			"The origins of pages that may call from a browser. Default: only the door's own."),
		key("cert", path(), func(s *Serve) *string { return &s.Cert }, "The file of the certificate for TLS, with its chain. It is read again when it changes."),
		key("key", path(), func(s *Serve) *string { return &s.Key }, "The file of the certificate's key."),
		key("client_ca", path(), func(s *Serve) *string { return &s.ClientCA }, "The file of the authorities whose client certificates count."),
		key("socket", path(), func(s *Serve) *string { return &s.Socket },
			"The path of a Unix socket to listen on too. Its callers are the users that the system names, with the scopes of `principals:`; no token is needed, and none counts. Only the user of the door may connect."),
		key("socket_group", text("the name of a group, or gid:NUMBER"), func(s *Serve) *string { return &s.SocketGroup },
			"The group whose members may connect to the socket too. The user of the door must be a member."),
		key("idle", duration(time.Second, 7*24*time.Hour), func(s *Serve) *time.Duration { return &s.Idle }, "After how long without a request a session ends. Default: `30m`."),
		key("sessions", integer(1, 1_000_000), func(s *Serve) *int { return &s.Sessions }, "How many sessions one principal may have with one server. Default: `100`."),
		key("write", duration(time.Second, 10*time.Minute), func(s *Serve) *time.Duration { return &s.Write }, "How long one write may wait for a client that does not read. Default: `30s`."),
		key("read", duration(time.Second, 10*time.Minute), func(s *Serve) *time.Duration { return &s.Read }, "How long a request may take to come, with its body; its header at most 10 s. Default: `30s`."),
		key("streams", integer(1, 1_000_000), func(s *Serve) *int { return &s.Streams }, "How many streams, subscriptions and WebSockets one principal may have open, with all servers together. Default: `100`."),
		key("all_streams", integer(1, 1_000_000), func(s *Serve) *int { return &s.AllStreams }, "How many of these the whole process may have open. Default: `10000`."),
		key("all_sessions", integer(1, 1_000_000), func(s *Serve) *int { return &s.AllSessions }, "How many sessions the whole process may have, with all servers together. Default: `10000`."),
		key("websocket", boolean(), func(s *Serve) *bool { return &s.WebSocket },
			"Lets clients speak by WebSocket too: `GET /UPSTREAM/mcp` with the subprotocol `mcp`, one message a text frame. Default: `false`."),
		key("trusted_proxies", list(trustedProxy(), false), func(s *Serve) *[]netip.Prefix { return &s.TrustedProxies },
			"The proxies in front of the door, by address or range. Where a request comes from is what they say in `X-Forwarded-For`, read from the right up to the first hop that is none of them; limits and records have that address. Default: none, and the header is not read."),
		key("forwarded", boolean(), func(s *Serve) *bool { return &s.Forwarded },
			"The proxies write `Forwarded` (RFC 7239), which is read instead of `X-Forwarded-For`. Only one of the two is ever read."),
		key("dangerously_trust_all_proxies", boolean(), func(s *Serve) *bool { return &s.TrustAll },
			"Believes the header of whoever sends one, so that callers choose the address under which they are counted and recorded."),
	)
}

func checkServe(d *decoder, at Pos, s *Serve) {
	switch {
	case (s.Cert == "") != (s.Key == ""):
		d.failAt(at, "TLS needs a certificate and its key: give cert and key")
	case s.ClientCA != "" && s.Cert == "":
		d.failAt(at, "client certificates need TLS: give cert and key too")
	case s.Forwarded && len(s.TrustedProxies) == 0 && !s.TrustAll:
		d.failAt(at, "forwarded says which header the proxies write, and none are trusted: name them under trusted_proxies")
	case s.TrustAll && len(s.TrustedProxies) > 0:
		d.failAt(at, "dangerously_trust_all_proxies believes everybody, so trusted_proxies says nothing: remove one of them")
	}
}

func checkBase(t string) error {
	if err := checkURL(t); err != nil {
		return err
	}
	u, err := url.Parse(t)
	switch {
	case err != nil:
		return errors.New("this is no URL: write https://host")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the URL of the door has no path: write https://host, the endpoints are /UPSTREAM/mcp below it")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("the door needs https, or http on this machine")
}

func checkOrigin(t string) error {
	u, err := url.Parse(t)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != t {
		return fmt.Errorf("%q is no origin: write a scheme and a host, as https://console.example", brief(t))
	}
	return nil
}

// remoteURL is that of a server over HTTP.
func remoteURL() kind[string] {
	return checked("the URL of an MCP endpoint", "^https?://", func(t string) error {
		if err := checkURL(t); err != nil {
			return err
		}
		if u, err := url.Parse(t); err != nil || u.Fragment != "" {
			return errors.New("this is no URL of a server: write https://host/path")
		}
		return nil
	})
}

// protocolFields are what the door or its transport sets, or what changes how a
// request is sent: net/http sends one with a key of idempotency again.
var protocolFields = []string{
	"host", "origin", "content-type", "content-length", "content-encoding", "accept", "connection", "transfer-encoding", "te", "trailer",
	"upgrade", "expect", "keep-alive", "last-event-id", "idempotency-key", "x-idempotency-key",
}

func checkField(name string) error {
	for _, c := range name {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Errorf("%q is no name of a header field: use letters, digits and dashes", brief(name))
		}
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "mcp-") || slices.Contains(protocolFields, lower) {
		return fmt.Errorf("%s is set by the protocol and cannot carry a credential", name)
	}
	return nil
}

// checkUpstream sees that a server is reached in one way.
func checkUpstream(d *decoder, at Pos, u *Upstream) {
	switch {
	case u.URL == "":
		if u.Credential != nil {
			d.failAt(at, "a credential is for a server over HTTP: give its url, or use env for a command")
		}
	case len(u.Command) > 0:
		d.failAt(at, "a server has a url or a command, not both: remove one")
	case len(u.Env) > 0 || len(u.PassEnv) > 0 || u.Cwd != "":
		d.failAt(at, "env, pass_env and cwd are for a server that the door starts; this one is reached at its url")
	default:
		u.Remote = true
		if err := u.reachable(); err != nil {
			d.failAt(at, "the server cannot be reached: %s", messageOf(err))
		}
	}
	if u.Credential != nil {
		checkCredential(d, at, u)
	}
}
