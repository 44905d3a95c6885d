package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary/config"
)

// writePair makes a certificate with this serial number and puts it into files.
func writePair(t *testing.T, cert, key string, serial int64, changed time.Time) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "door"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServeReadsItsCertificateAgain(t *testing.T) {
	dir, now := t.TempDir(), time.Unix(1_800_000_000, 0)
	s := &config.Serve{Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}
	clock := func() time.Time { return now }
	if _, err := tlsOf(s, clock); err == nil {
		t.Error("a certificate that is not there was taken")
	}
	writePair(t, s.Cert, s.Key, 1, now)
	secure, err := tlsOf(s, clock)
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		pair, err := secure.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	writePair(t, s.Cert, s.Key, 2, now.Add(time.Minute))
	if got := serial(); got != 1 {
		t.Errorf("the files were read again at once: %d", got)
	}
	now = now.Add(2 * time.Second)
	if got := serial(); got != 2 {
		t.Errorf("the new certificate was not read: %d", got)
	}
	if err := os.WriteFile(s.Key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	if got := serial(); got != 2 {
		t.Errorf("a pair that is half written replaced the last: %d", got)
	}
}

func TestServeKeepsCredentialsOffTheNet(t *testing.T) {
	everywhere, here := &net.TCPAddr{IP: net.IPv4zero, Port: 80}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	for _, c := range []struct {
		addr net.Addr
		s    config.Serve
		ok   bool
	}{
		{everywhere, config.Serve{}, false},
		{everywhere, config.Serve{URL: "http://localhost"}, false},
		{everywhere, config.Serve{URL: "https://door.example"}, true},
		{everywhere, config.Serve{Cert: "cert"}, true},
		{here, config.Serve{}, true},
	} {
		if err := private(c.addr, &c.s); (err == nil) != c.ok {
			t.Errorf("%v with %+v: %v", c.addr, c.s, err)
		}
	}
}
