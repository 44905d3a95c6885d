package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// An API key is ost_key_PREFIX_SECRET: ten letters and digits that name it in
// lists and in the evidence, and 256 random bits. Scanners find it by
// ost_key_[a-z2-7]{10}_[A-Za-z0-9_-]{43}.
//
// What is kept is the SHA-256 of the whole key. A slow, salted hash is for secrets
// that people choose: it makes each guess dear. Nobody guesses 256 random bits,
// at any price, and no table of them can be made before; a slow hash would only
// let callers burn our time with each request.
const (
	keyStart    = "ost_key_"
	prefixBytes = 6 // ten letters in base32
	prefixLen   = 10
	secretBytes = 32
	secretLen   = 43
)

// Key is an API key without its secret.
type Key struct {
	// Prefix names it; it is no secret.
	Prefix    string   `json:"prefix"`
	Principal string   `json:"principal"`
	Scopes    []string `json:"scopes"`
	// Created and Expires bound its life.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// By is who made it, Channel where, Reason why.
	By      string `json:"by"`
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
	// Revoked is when somebody took it back; zero is never.
	Revoked    time.Time `json:"revoked,omitzero"`
	RevokedBy  string    `json:"revoked_by,omitempty"`
	RevokedWhy string    `json:"revoked_why,omitempty"`
}

// State says in one word how a key stands at a time: live, revoked or expired.
func (k Key) State(now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !now.Before(k.Expires):
		return "expired"
	}
	return "live"
}

// storedKey is a key as it is kept.
type storedKey struct {
	Key
	Hash string `json:"hash"`
}

// matches compares in constant time.
func (k *storedKey) matches(secret string) bool {
	want, err := hex.DecodeString(k.Hash)
	got := sha256.Sum256([]byte(secret))
	return err == nil && subtle.ConstantTimeCompare(want, got[:]) == 1
}

// newKey makes a key from random bits.
func newKey(random io.Reader) (secret, prefix string, hash string, err error) {
	var b [prefixBytes + secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", "", "", err
	}
	prefix = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:prefixBytes]))
	secret = keyStart + prefix + "_" + base64.RawURLEncoding.EncodeToString(b[prefixBytes:])
	sum := sha256.Sum256([]byte(secret))
	return secret, prefix, hex.EncodeToString(sum[:]), nil
}

// looksLikeKey reports whether a text may be a key, which then is never shown and
// never sent to an issuer.
func looksLikeKey(s string) bool {
	return len(s) >= len(keyStart) && strings.EqualFold(s[:len(keyStart)], keyStart)
}

// prefixOf returns "" for what has not the form of a key.
func prefixOf(secret string) string {
	rest, ok := strings.CutPrefix(secret, keyStart)
	if !ok || len(rest) != prefixLen+1+secretLen || rest[prefixLen] != '_' {
		return ""
	}
	return rest[:prefixLen]
}

// over is why a key that was presented does not count, or nil.
func (k *Key) over(now time.Time) *ostiary.Error {
	switch k.State(now) {
	case "revoked":
		return because(refuse(ostiary.CodeAuthRevoked, "the API key was taken back: ask the operator for another"),
			"key %s was revoked by %s at %s", k.Prefix, k.RevokedBy, k.Revoked.UTC().Format(time.RFC3339))
	case "expired":
		return because(refuse(ostiary.CodeAuthExpired, "the time of the API key is over: ask the operator for another"),
			"key %s ended at %s", k.Prefix, k.Expires.UTC().Format(time.RFC3339))
	}
	if now.Before(k.Created) {
		return because(refuse(ostiary.CodeAuthEarly, "the API key does not count before it was made: the operator must look at the clock"),
			"key %s was made at %s", k.Prefix, k.Created.UTC().Format(time.RFC3339))
	}
	return nil
}

func noSuchKey() *ostiary.Error {
	return refuse(ostiary.CodeAuthKey, "the API key does not exist here: ask the operator for one")
}
