package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
)

// lookAgain is how old what is known of the certificate's files may be.
const lookAgain = time.Second

// tlsOf is the TLS of the door; nil where the file names no certificate.
func tlsOf(s *config.Serve, now func() time.Time) (*tls.Config, error) {
	if s.Cert == "" {
		return nil, nil
	}
	pair := &keyPair{cert: s.Cert, key: s.Key, now: now}
	if _, err := pair.get(nil); err != nil {
		return nil, err
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}
	if s.ClientCA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(s.ClientCA)
	t.ClientCAs = x509.NewCertPool()
	if err != nil || !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err,
			Message: fmt.Sprintf("serve.client_ca: no certificate can be read from %s", s.ClientCA)}
	}
	t.ClientAuth = tls.VerifyClientCertIfGiven
	return t, nil
}

// keyPair is a certificate whose files may change while the door is open.
type keyPair struct {
	cert, key string
	now       func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  [2]time.Time
	looked time.Time
}

// get gives the newest pair that could be read: one that is half written does not
// replace the last.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.pair != nil && now.Sub(k.looked) < lookAgain {
		return k.pair, nil
	}
	k.looked = now
	stamp, err := changed(k.cert, k.key)
	if err == nil && k.pair != nil && stamp == k.stamp {
		return k.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(k.cert, k.key); err == nil {
			k.pair, k.stamp = &pair, stamp
		}
	}
	if k.pair != nil {
		return k.pair, nil
	}
	return nil, &ostiary.Error{Code: ostiary.CodeConfigInvalid, Err: err,
		Message: fmt.Sprintf("serve.cert, serve.key: %s and %s hold no certificate and its key", k.cert, k.key)}
}

func changed(names ...string) (stamp [2]time.Time, err error) {
	for i, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}

// private refuses to listen beyond this machine without TLS, of ours or of a proxy
// that the file says stands before us: keys and tokens would travel in the clear.
func private(addr net.Addr, s *config.Serve) error {
	tcp, ok := addr.(*net.TCPAddr)
	if s.Cert != "" || ok && tcp.IP.IsLoopback() || len(s.URL) > 8 && s.URL[:8] == "https://" {
		return nil
	}
	return &ostiary.Error{Code: ostiary.CodeConfigInvalid,
		Message: fmt.Sprintf("%s is not only this machine, and credentials would travel in the clear: give serve.cert and serve.key, or serve.url with https where a proxy speaks TLS, or listen on 127.0.0.1", addr)}
}
