package pin

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"net/url"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// Identity is what a server is, apart from what it says: the program that is
// started and what that runs, or the URL and the key that answers there. The zero
// value is a server that nothing is known of.
type Identity struct {
	text   []byte // canonical JSON
	digest ostiary.Digest
}

// Known is the identity with this text, as String gave it; "" is the zero value.
func Known(text string) Identity {
	if text == "" {
		return Identity{}
	}
	return Identity{text: []byte(text), digest: sha256.Sum256([]byte(text))}
}

// Digest identifies it; equal digests mean equal identities.
func (i Identity) Digest() ostiary.Digest { return i.digest }

// String is the identity as JSON, for people.
func (i Identity) String() string { return string(i.text) }

func identity(v any) Identity {
	raw, err := json.Marshal(v)
	if err == nil {
		raw, err = wire.Canonical(raw)
	}
	if err != nil { // strings and maps of them always marshal
		return Identity{}
	}
	return Identity{text: raw, digest: sha256.Sum256(raw)}
}

// Peer is the identity of a server over HTTP: its URL without credentials and
// fragment, its query by digest only, and the SHA-256 of the SubjectPublicKeyInfo
// of its leaf certificate (RFC 7469, section 2.4), none without TLS.
func Peer(address string, state *tls.ConnectionState) Identity {
	u, err := url.Parse(address)
	if err != nil {
		return Identity{}
	}
	v := map[string]string{"url": (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()}
	if u.RawQuery != "" {
		v["query"] = sum([]byte(u.RawQuery))
	}
	if state != nil && len(state.PeerCertificates) > 0 {
		v["key"] = sum(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	}
	return identity(v)
}

func sum(b []byte) string {
	d := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(d[:])
}
