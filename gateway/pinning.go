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
	// See compares a whole list of tools with what was accepted.
	See func(ctx context.Context, s Sight, tools []Entry) error
	// Greet compares the instructions and the serverInfo of a handshake, nil where
	// there are none, and returns those to show instead; nil for what may pass as it is.
	Greet func(ctx context.Context, s Sight, instructions, serverInfo []byte) (instead, info []byte, err error)
	// Listed reports whether a server's tools were compared once. Shown returns what a
	// client may see of one of them: as it is, as it was accepted, or nil.
	Listed func(ctx context.Context, upstream string) (bool, error)
	Shown  func(ctx context.Context, upstream, name string, entry []byte) ([]byte, error)
}

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
