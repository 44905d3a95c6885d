package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/tls"

	"github.com/ostiary/ostiary"
)

// Pinning holds a server to what it was when it was accepted. The line asks about
// calls; the door shows what servers say, and has the accepted form put in its place.
// Identities are canonical JSON, nil where nothing is known. All of it is needed.
type Pinning struct {
	// Program identifies a server that is started, Peer one that answers at a URL; the
	// state is nil without TLS.
	Program func(command []string, dir string) []byte
	Peer    func(url string, state *tls.ConnectionState) []byte
	// Accepted reports whether a server with this identity is the one that was accepted,
	// or one that was never seen. Over TLS the client of [Remote] makes no connection to
	// any other, and ends those that there are.
	Accepted func(ctx context.Context, upstream string, server ostiary.Digest) (bool, error)
	// See compares a whole list with what was accepted.
	See func(ctx context.Context, s Sight, k Kind, entries []Entry) error
	// Greet compares what a handshake says, and returns what to show instead: nil for
	// what may pass as it is.
	Greet func(ctx context.Context, s Sight, said Greeting) (instead Greeting, err error)
	// Listed reports whether a list of a server was compared once. Shown returns what a
	// client may see of one of its entries: as it is, as it was accepted, or nil.
	// Accepts reports whether an entry with this digest was accepted.
	Listed  func(ctx context.Context, upstream string, k Kind) (bool, error)
	Shown   func(ctx context.Context, upstream string, k Kind, name string, entry []byte) ([]byte, error)
	Accepts func(ctx context.Context, upstream string, k Kind, name string, digest ostiary.Digest) (bool, error)
	// Taken returns what people have accepted of a server, as far as it is known without
	// asking for it; false where nothing is.
	Taken func(upstream string) (Taken, bool)
	// Watch calls hear, on a goroutine of its own, when it is known that a person has
	// accepted something of a server, until stop.
	Watch func(upstream string, hear func()) (stop func())
}

// Kind is which of a server's lists an entry stands in.
type Kind string

// The lists whose entries are pinned. Resources are data, and change with it.
const (
	KindTool     Kind = "tool"
	KindPrompt   Kind = "prompt"
	KindTemplate Kind = "template"
)

// Greeting is what a server says of itself in its handshake: raw JSON, nil where it
// says nothing.
type Greeting struct{ Instructions, ServerInfo, Capabilities []byte }

// Sight says which server showed something, what it is, and to whom.
type Sight struct {
	Upstream, Principal string
	Identity            []byte
}

// Entry is one entry of a list in its canonical form; see [wire.Canonical].
type Entry struct {
	Name string
	Text []byte
}

// serverDigest is what calls carry of an identity.
func serverDigest(identity []byte) ostiary.Digest {
	if len(identity) == 0 {
		return ostiary.Digest{}
	}
	return sha256.Sum256(identity)
}
