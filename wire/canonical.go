package wire

import (
	"bytes"
	"crypto/sha256"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ostiary/ostiary"
)

// Digest returns the SHA-256 of a lossless canonical form of a JSON value: no
// white space, keys sorted, strings by value, and number literals as written, so
// that 9007199254740993 is not 9007199254740992 and 1.0 is not 1. The form is
// RFC 8785 but for the numbers, which RFC 8785 rounds. The digest of nothing (an
// absent value) is that of no bytes, and so not that of {}.
//
// It is an error if raw is not one JSON value that Parse would accept in params,
// twins but for case aside.
func Digest(raw []byte) (ostiary.Digest, error) {
	v, err := Canonical(raw)
	if err != nil {
		return ostiary.Digest{}, err
	}
	return sha256.Sum256(v), nil
}

// Canonical returns the form whose SHA-256 Digest is, for who keeps a value to
// show later how another one differs from it. Nothing has an empty form. The bytes
// are the caller's.
func Canonical(raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	v := jsontext.Value(bytes.Clone(raw)) // Canonicalize works in place
	err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return nil, refuseSyntax(err)
	}
	return v, nil
}
