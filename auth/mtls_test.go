package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// authority signs client certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if self, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{t, self, key}
}

func (a *authority) sign(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "ann's laptop"},
		URIs: []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/ann"}}, DNSNames: []string{"ann.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: c}
}

// Real TLS: whom the configured authority signed is let in, and nobody else,
// even where the listener only asks for a certificate and does not verify it.
func TestCertificateOverTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	door, err := New(Options{Clock: time.Now, Certificates: []Certificate{
		{Kind: "uri", Value: "spiffe://example/ann", Principal: "ann", Scopes: []string{"fs:read"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(mode tls.ClientAuthType, cert *tls.Certificate) string {
		t.Helper()
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p, session, err := door.Authenticate(r)
			if err != nil {
				fmt.Fprint(w, ostiary.AsError(err).Code)
				return
			}
			fmt.Fprint(w, p.ID, " ", p.Scopes, " ", session)
		}))
		s.TLS = &tls.Config{ClientAuth: mode, ClientCAs: x509.NewCertPool()}
		s.TLS.ClientCAs.AddCert(ours.cert)
		s.StartTLS()
		defer s.Close()
		client := s.Client()
		if cert != nil {
			client.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
		}
		resp, err := client.Get(s.URL)
		if err != nil {
			return "no connection"
		}
		defer resp.Body.Close()
		b := make([]byte, 200)
		n, _ := resp.Body.Read(b)
		return string(b[:n])
	}
	good, forged := ours.sign(nil), theirs.sign(nil)
	const ann = "ann [fs:read] certificate|ann"
	for name, tc := range map[string]struct {
		mode tls.ClientAuthType
		cert *tls.Certificate
		want string
	}{
		"verified":            {tls.VerifyClientCertIfGiven, &good, ann},
		"required":            {tls.RequireAndVerifyClientCert, &good, ann},
		"none":                {tls.VerifyClientCertIfGiven, nil, "auth_missing"},
		"another authority":   {tls.VerifyClientCertIfGiven, &forged, "no connection"},
		"asked, not verified": {tls.RequireAnyClientCert, &forged, "auth_missing"},
		"good, not verified":  {tls.RequestClientCert, &good, "auth_missing"},
	} {
		if got := ask(tc.mode, tc.cert); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestCertificateRows(t *testing.T) {
	a := newAuthority(t)
	leaf := a.sign(nil).Leaf
	sum := sha256.Sum256(leaf.Raw)
	other := a.sign(func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames = "spiffe://example/ann", []string{"spiffe://example/ann"}
		c.URIs = nil
	}).Leaf
	now := time.Now()
	for name, tc := range map[string]struct {
		rows []Certificate
		cert *x509.Certificate
		at   time.Duration
		code ostiary.Code // "" lets in as ann
	}{
		"uri":                {[]Certificate{{Kind: "uri", Value: "spiffe://example/ann", Principal: "ann"}}, leaf, 0, ""},
		"dns":                {[]Certificate{{Kind: "dns", Value: "ann.example", Principal: "ann"}}, leaf, 0, ""},
		"cn":                 {[]Certificate{{Kind: "cn", Value: "ann's laptop", Principal: "ann"}}, leaf, 0, ""},
		"fingerprint":        {[]Certificate{{Kind: "sha256", Value: hex.EncodeToString(sum[:]), Principal: "ann"}}, leaf, 0, ""},
		"two rows, one name": {[]Certificate{{Kind: "cn", Value: "ann's laptop", Principal: "ann"}, {Kind: "dns", Value: "ann.example", Principal: "ann"}}, leaf, 0, ""},
		"two principals":     {[]Certificate{{Kind: "cn", Value: "ann's laptop", Principal: "ann"}, {Kind: "dns", Value: "ann.example", Principal: "bob"}}, leaf, 0, ostiary.CodeAuthCertificate},
		"no row":             {[]Certificate{{Kind: "dns", Value: "bob.example", Principal: "bob"}}, leaf, 0, ostiary.CodeAuthCertificate},
		"the value in another field": {
			[]Certificate{{Kind: "uri", Value: "spiffe://example/ann", Principal: "ann"}}, other, 0, ostiary.CodeAuthCertificate,
		},
		"over while connected": {[]Certificate{{Kind: "cn", Value: "ann's laptop", Principal: "ann"}}, leaf, 2 * time.Hour, ostiary.CodeAuthExpired},
		"not begun":            {[]Certificate{{Kind: "cn", Value: "ann's laptop", Principal: "ann"}}, leaf, -2 * time.Hour, ostiary.CodeAuthEarly},
	} {
		t.Run(name, func(t *testing.T) {
			door, err := New(Options{
				Clock: func() time.Time { return now.Add(tc.at) }, Certificates: tc.rows, DangerouslyAllowAnonymous: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			r := request("")
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{tc.cert}, VerifiedChains: [][]*x509.Certificate{{tc.cert, a.cert}}}
			if tc.code != "" {
				refusedWith(t, door, r, tc.code)
				return
			}
			if p, _, err := door.Authenticate(r); err != nil || p.ID != "ann" {
				t.Fatalf("%+v %v", p, err)
			}
			r.Header.Set("Authorization", "Bearer abc")
			refusedWith(t, door, r, ostiary.CodeAuthAmbiguous)
		})
	}
	for name, row := range map[string]Certificate{
		"kind":      {Kind: "issuer", Value: "x", Principal: "ann"},
		"empty":     {Kind: "cn", Principal: "ann"},
		"nobody":    {Kind: "cn", Value: "x"},
		"anonymous": {Kind: "cn", Value: "x", Principal: "anonymous"},
		"short":     {Kind: "sha256", Value: "ab", Principal: "ann"},
	} {
		if _, err := New(Options{Clock: time.Now, Certificates: []Certificate{row}}); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
