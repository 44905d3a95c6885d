// Package egress opens the door's own connections to the network: to upstreams
// over HTTP, to webhooks, to the key sets of issuers.
//
// # Threat
//
// The door stands inside a network that its callers are not in. Whoever steers
// where it connects reaches what only it can reach: a cloud's metadata service
// with its credentials, a database without a password, the door's own listeners.
// A name steers as well as an address: DNS gives a public address to the check
// and a private one to the connection, a public server redirects to
// 169.254.169.254, an address is written in a form that the check reads as a name
// and the resolver as a number, IPv4 hides inside IPv6, an environment variable
// names a proxy, credentials follow a redirect to somebody else's host.
//
// # Promise
//
// A [Dialer] decides by the parsed host: letters, digits and hyphens, or an
// address in its one canonical form. It resolves a name once, refuses the
// connection if any address of the answer is refused, and dials only addresses
// that it judged; the last look is taken by the hook that sees what the kernel
// will be given. Refused is what the IANA registries call special, what leads to
// IPv4 through IPv6, the host's own addresses, and what clouds use for metadata.
// Private and loopback addresses pass only where Options list them, metadata
// never. No proxy is asked. A redirect is followed only where Options say so and
// is judged like a first request: never from https to http, never with a body to
// another origin, and to another origin without credentials, once and for the rest
// of the chain. Time, headers and bodies are bounded. What a server sends behind an
// answer is no answer to whoever asks next.
//
// A host in another script must be written in its xn-- form (RFC 5890), and is
// then a name like any other: nothing is converted, so that what is configured,
// what is checked and what is resolved are the same bytes. Whether a name looks
// like another one is for the person who writes it.
//
// # What it does not stop
//
// A public address may belong to anybody: an allowed host that forwards (an open
// proxy, a shared host, domain fronting) leads on from there. A NAT or a route of
// the network may lead a public address to a private machine. A name that Options
// list may lead to any private address that its DNS says. What a connection that
// is open already carries is not looked at again, but for who answers there over TLS
// where Options have Peers. Only connections that this
// package opens are judged; those of an upstream's own process are for the
// sandbox.
package egress
