package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// Certificate is one row of the mapping from client certificates to principals.
// A certificate that TLS has verified counts as a credential where there are rows.
type Certificate struct {
	// Kind says what of the certificate is compared: uri, dns or email, which are
	// subject alternative names; cn, the common name of the subject; or sha256, the
	// fingerprint of the certificate in hex.
	Kind string
	// Value is compared exactly; a fingerprint may have capitals and colons.
	Value     string
	Principal string
	Scopes    []string
}

// certificates are rows that are ready.
type certificates struct {
	of    map[[2]string]identity // by kind and value
	clock func() time.Time
}

func readyCertificates(o *Options) (*certificates, error) {
	cs := &certificates{of: map[[2]string]identity{}, clock: o.Clock}
	for _, row := range o.Certificates {
		value := row.Value
		switch row.Kind {
		case "uri", "dns", "email", "cn":
		case "sha256":
			value = strings.ToLower(strings.ReplaceAll(value, ":", ""))
			if b, err := hex.DecodeString(value); err != nil || len(b) != sha256.Size {
				return nil, configInvalid("auth: the fingerprint of %s is no SHA-256 in hex", row.Principal)
			}
		default:
			return nil, configInvalid("auth: certificates are known by uri, dns, email, cn or sha256, not by %q", row.Kind)
		}
		if value == "" || !goodName(row.Principal) || row.Principal == anonymousID {
			return nil, configInvalid("auth: a certificate needs a value and the principal that it stands for")
		}
		key := [2]string{row.Kind, value}
		if _, twice := cs.of[key]; twice {
			return nil, configInvalid("auth: the certificate %s %s is there twice: keep one", row.Kind, value)
		}
		cs.of[key] = identity{
			principal: ostiary.Principal{ID: row.Principal, Client: "certificate " + row.Kind + ":" + value, Scopes: settle(row.Scopes, o.Expand)},
			session:   sessionName("certificate", row.Principal),
		}
	}
	return cs, nil
}

// presented returns the certificate that TLS has verified against the configured
// authorities; nil if there is none. One that was sent and not verified is none.
func presented(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		return nil
	}
	return r.TLS.VerifiedChains[0][0]
}

func (cs *certificates) identify(c *x509.Certificate) (identity, *ostiary.Error) {
	// A connection may outlive the certificate that opened it.
	switch now := cs.clock(); {
	case now.After(c.NotAfter):
		return identity{}, refuse(ostiary.CodeAuthExpired, "the time of the client certificate is over: connect with a new one")
	case now.Before(c.NotBefore):
		return identity{}, refuse(ostiary.CodeAuthEarly, "the time of the client certificate has not begun: look at the clocks")
	}
	sum := sha256.Sum256(c.Raw)
	names := [][2]string{{"sha256", hex.EncodeToString(sum[:])}, {"cn", c.Subject.CommonName}}
	for _, u := range c.URIs {
		names = append(names, [2]string{"uri", u.String()})
	}
	for _, n := range c.DNSNames {
		names = append(names, [2]string{"dns", n})
	}
	for _, n := range c.EmailAddresses {
		names = append(names, [2]string{"email", n})
	}
	var found identity
	for _, n := range names {
		id, ok := cs.of[n]
		if !ok {
			continue
		}
		if p := found.principal; !p.IsNobody() && p.ID != id.principal.ID {
			return identity{}, because(refuse(ostiary.CodeAuthCertificate, "the client certificate stands for two principals: the operator must remove a row"),
				"%s and %s", p.ID, id.principal.ID)
		}
		if found.principal.IsNobody() {
			found = id
		}
	}
	if found.principal.IsNobody() {
		return identity{}, because(refuse(ostiary.CodeAuthCertificate, "the client certificate stands for nobody here: the operator must add a row for it"),
			"sha256 %s", names[0][1])
	}
	found.expires = c.NotAfter
	return found, nil
}
