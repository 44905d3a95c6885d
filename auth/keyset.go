package auth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary"
)

const (
	// keysFresh is when keys that work are fetched again, behind the calls.
	keysFresh = 5 * time.Minute
	// keysBound is how long keys count while the issuer does not answer.
	keysBound = time.Hour
	// keysPause is between two fetches, whatever callers send.
	keysPause = 10 * time.Second
	// askTime bounds one question to an issuer, askBytes its answer.
	askTime  = 10 * time.Second
	askBytes = 1 << 20
	// maxKeys is how many keys of a set are looked at.
	maxKeys = 100
)

// keySet holds the public keys of one issuer (RFC 7517). It is fetched when it is
// first needed, when a token names a key that is not in it, and every few minutes
// while it is in use; nothing runs while nobody calls.
type keySet struct {
	issuer, url string // url is "" for discovery
	http        *http.Client
	clock       func() time.Time
	log         *slog.Logger

	mu     sync.Mutex
	keys   []jose.JSONWebKey
	got    time.Time     // when keys were fetched
	asked  time.Time     // when a fetch began last
	flight chan struct{} // closed when the fetch that runs is over
	failed error         // of the last fetch
}

// attempt is a [oidc.KeySet] for one token. The library drops the kind of an
// error, so it is kept here.
type attempt struct {
	keys       *keySet
	algorithms []jose.SignatureAlgorithm
	err        *ostiary.Error
}

var _ oidc.KeySet = (*attempt)(nil)

// VerifySignature implements [oidc.KeySet].
func (a *attempt) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, a.algorithms)
	if err != nil {
		return nil, err
	}
	payload, refused := a.keys.verify(ctx, jws)
	if refused != nil {
		a.err = refused
		return nil, refused
	}
	return payload, nil
}

func (k *keySet) verify(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, *ostiary.Error) {
	keys := k.usable()
	if keys == nil {
		var err *ostiary.Error
		if keys, err = k.fetch(ctx); err != nil {
			return nil, err
		}
		return check(jws, keys)
	}
	payload, err := check(jws, keys)
	if err == nil || has(keys, jws.Signatures[0].Header.KeyID) {
		return payload, err
	}
	// A key that we do not know: the issuer may have made a new one.
	if keys, err = k.fetch(ctx); err != nil {
		return nil, because(badToken(), "it names a key that is not known, and the keys of %s were not fetched again: %s", k.issuer, err.Reason)
	}
	return check(jws, keys)
}

// check tries the keys that a token may mean.
func check(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, *ostiary.Error) {
	head := jws.Signatures[0].Header
	for i := range keys {
		key := &keys[i]
		if head.KeyID != "" && key.KeyID != head.KeyID || key.Algorithm != "" && key.Algorithm != head.Algorithm {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, badToken()
}

func has(keys []jose.JSONWebKey, id string) bool {
	for i := range keys {
		if keys[i].KeyID == id && id != "" {
			return true
		}
	}
	return false
}

// usable returns the keys that still count, nil if there are none, and has them
// fetched again behind the calls when they are no longer fresh.
func (k *keySet) usable() []jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.clock().Sub(k.got)
	if k.keys == nil || age < 0 || age >= keysBound {
		return nil
	}
	if age >= keysFresh {
		_ = k.begin() // what fails is tried again by the next call after a pause
	}
	return k.keys
}

// begin starts a fetch unless one runs or ran a moment ago. k.mu is held.
func (k *keySet) begin() *ostiary.Error {
	if k.flight != nil {
		return nil
	}
	if since := k.clock().Sub(k.asked); since >= 0 && since < keysPause && !k.asked.IsZero() {
		wait := (keysPause - since).Round(time.Second)
		return unavailable("keys of "+k.issuer, max(wait, time.Second), errors.Join(errors.New("asked a moment ago"), k.failed))
	}
	done := make(chan struct{})
	k.asked, k.flight = k.clock(), done
	// Not for the caller alone, so not with its context.
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		began := k.clock()
		keys, err := k.ask(ctx)
		if err != nil {
			k.log.Warn("the keys of an issuer could not be fetched", "issuer", k.issuer, "err", err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.failed = err; err == nil {
			k.keys, k.got = keys, began
		}
		k.flight = nil
		close(done)
	}()
	return nil
}

// fetch waits for keys that were asked for now.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, *ostiary.Error) {
	k.mu.Lock()
	err := k.begin()
	done := k.flight
	k.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, unavailable("keys of "+k.issuer, time.Second, ctx.Err())
	case <-done:
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return nil, unavailable("keys of "+k.issuer, keysPause, k.failed)
	}
	return k.keys, nil
}

// ask fetches the keys, and looks for where they are before, unless that is
// configured.
func (k *keySet) ask(ctx context.Context) ([]jose.JSONWebKey, error) {
	from := k.url
	if from == "" {
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, k.http), k.issuer)
		if err != nil {
			return nil, err
		}
		var found struct {
			URL string `json:"jwks_uri"`
		}
		if err := p.Claims(&found); err != nil {
			return nil, err
		}
		if err := secureURL(found.URL); err != nil {
			return nil, fmt.Errorf("jwks_uri: %w", err)
		}
		from = found.URL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("status " + resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return readKeys(body)
}

// readKeys keeps the public keys that may sign. What is not understood is left
// out (RFC 7517, section 5); a symmetric key is never one, since whoever can read
// the set could sign with it.
func readKeys(body []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("no key set")
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if r, ok := key.Key.(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key that can verify a signature")
	}
	return keys, nil
}
