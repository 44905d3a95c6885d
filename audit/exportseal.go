package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ostiary/ostiary"
)

// sealOrigin begins what is signed of an archive. It is not how a checkpoint
// begins, so that neither can be taken for the other.
const sealOrigin = "ostiary-incident/v1\n"

// Seal signs the SHA-256 of an archive's manifest with the key of a state
// directory. The note says nothing else.
func Seal(dir string, manifest [sha256.Size]byte) (signed string, err error) {
	k, err := readKey(filepath.Join(dir, "key"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return "", &ostiary.Error{Code: ostiary.CodeStateUnsafe, Err: err,
			Message: "the signing key of the state directory cannot be read, and an archive is signed with it; export where the door runs, as its user"}
	}
	if err != nil {
		return "", unreadable(err)
	}
	b, err := note.Sign(&note.Note{Text: sealText(manifest)}, k.signer)
	if err != nil {
		return "", unreadable(err)
	}
	return string(b), nil
}

func sealText(manifest [sha256.Size]byte) string {
	return sealOrigin + "sha256 " + hex.EncodeToString(manifest[:]) + "\n"
}

// Sealed returns nil if the note is what [Seal] makes of this manifest with the
// key, and no byte more.
func Sealed(signed string, manifest [sha256.Size]byte, key note.Verifier) error {
	text, err := sealed(signed, key)
	if err == nil && text != sealText(manifest) {
		err = errors.New("was signed for another manifest")
	}
	return err
}

// SealedAny reports whether the note is what [Seal] makes of some manifest.
func SealedAny(signed string, key note.Verifier) bool {
	text, err := sealed(signed, key)
	return err == nil && strings.HasPrefix(text, sealOrigin)
}

// sealed returns what the note says. A note has one form only.
func sealed(signed string, key note.Verifier) (string, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(key))
	if err != nil {
		return "", errors.New("was not signed with this key")
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 || signed != n.Text+"\n— "+n.Sigs[0].Name+" "+n.Sigs[0].Base64+"\n" {
		return "", errors.New("has more than one signature")
	}
	if _, err := decode64(n.Sigs[0].Base64, -1); err != nil { // package note overlooks bits that say nothing
		return "", errors.New("has a signature that is not written as the key writes it")
	}
	return n.Text, nil
}

// OpenCheckpoint returns the head that a signed checkpoint vouches for.
func OpenCheckpoint(signed string, key note.Verifier) (Head, error) {
	c, err := parseNote(signed)
	if err != nil {
		return Head{}, err
	}
	if !c.signedBy(key) {
		return Head{}, errors.New("was not signed with this key")
	}
	return c.head(), nil
}

// PublicKey returns the text of key.pub for the signing key of a state directory.
func PublicKey(dir string) (string, error) {
	k, err := readKey(filepath.Join(dir, "key"))
	if err != nil {
		return "", unreadable(err)
	}
	return k.public, nil
}

// OpenKey reads the text of a key.pub file.
func OpenKey(text string) (note.Verifier, error) { return verifierFor("", text) }

// BodyDigest is what a record's field body says of a body's line.
func BodyDigest(line []byte) string {
	sum := sha256.Sum256(line)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ParseHash reads a hash as heads and proofs have it, strictly.
func ParseHash(s string) (h tlog.Hash, err error) {
	raw, err := decode64(s, tlog.HashSize)
	if err != nil {
		return h, errors.New("is not a hash")
	}
	copy(h[:], raw)
	return h, nil
}

// whole is the note with its signature.
func (c *signedCheckpoint) whole() string {
	var b strings.Builder
	b.WriteString(c.text + "\n— " + c.signer + " ")
	b.WriteString(base64.StdEncoding.EncodeToString(c.sig) + "\n")
	return b.String()
}
