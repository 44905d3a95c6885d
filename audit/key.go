package audit

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/mod/sumdb/note"
)

// key is the signing key of a state directory.
type key struct {
	signer   note.Signer
	verifier note.Verifier
	// public is the verifier in the text form of package note.
	public string
	// sealing authenticates derived files, so that nobody without the key can
	// hide a log by editing one.
	sealing [sha256.Size]byte
}

// privateDir makes dir if it is missing and checks that nobody but this user
// can enter it.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unavailable("cannot make the state directory", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return unavailable("cannot look at the state directory", err)
	}
	if !info.IsDir() {
		return unsafeState(dir, "is not a directory", "name another directory")
	}
	return private(dir, info, "chmod 700 "+dir)
}

func private(path string, info fs.FileInfo, next string) error {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(sys.Uid) != os.Geteuid() {
		return unsafeState(path, "belongs to another user", "use a directory of the user who runs the door")
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return unsafeState(path, fmt.Sprintf("has mode %#o", perm), "look at who could read or change it, then "+next)
	}
	return nil
}

// openKey reads the key of a state directory and makes it on first use. Several
// processes may do so at once; one key wins.
func openKey(dir string, rand io.Reader) (*key, error) {
	path := filepath.Join(dir, "key")
	k, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(dir, path, rand); err != nil {
			return nil, unavailable("cannot make the signing key", err)
		}
		k, err = readKey(path)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	pub, err := os.ReadFile(path + ".pub")
	if err == nil && strings.TrimSpace(string(pub)) != k.public {
		return nil, unsafeState(path+".pub", "is not the public half of the signing key", "run `ostiary audit verify`, find out who changed it, then delete it")
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = writeWhole(path+".pub", []byte(k.public+"\n"), rand)
	}
	if err != nil {
		return nil, unavailable("cannot keep the public key", err)
	}
	return k, nil
}

func readKey(path string) (*key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, unsafeState(path, "is a symbolic link", "put the key itself there")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, unsafeState(path, "is not a file", "move it away")
	}
	if err := private(path, info, "chmod 600 "+path); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil, err
	}
	return parseKey(path, strings.TrimSpace(string(text)))
}

func parseKey(path, text string) (*key, error) {
	bad := unsafeState(path, "is not a signing key", "restore it from a backup; without it a new state directory is needed")
	signer, err := note.NewSigner(text)
	if err != nil {
		return nil, bad
	}
	vkey, err := verifierOf(text)
	if err != nil {
		return nil, bad
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, bad
	}
	k := &key{signer: signer, verifier: verifier, public: vkey}
	mac := hmac.New(sha256.New, []byte(text))
	mac.Write([]byte("ostiary derived files"))
	mac.Sum(k.sealing[:0])
	return k, nil
}

func makeKey(dir, path string, rand io.Reader) error {
	var id [4]byte
	if _, err := io.ReadFull(rand, id[:]); err != nil {
		return err
	}
	text, _, err := note.GenerateKey(rand, "ostiary-"+hex.EncodeToString(id[:]))
	if err != nil {
		return err
	}
	tmp := path + ".new-" + hex.EncodeToString(id[:])
	if err := writeNew(tmp, []byte(text+"\n")); err != nil {
		return err
	}
	defer os.Remove(tmp)
	// A link never replaces: if another process was first, its key is the key.
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// verifierOf derives the verifier from a signer in the text form of package note.
func verifierOf(signer string) (string, error) {
	parts := strings.SplitN(signer, "+", 5) // PRIVATE+KEY+name+hash+seed
	if len(parts) != 5 {
		return "", fs.ErrInvalid
	}
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", fs.ErrInvalid
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(parts[2], public)
}

// Secret derives a key for one purpose from the key of the state directory: the
// same for every process that shares it, and no help to guess another.
func (l *Log) Secret(purpose string) []byte {
	mac := hmac.New(sha256.New, l.key.sealing[:])
	mac.Write([]byte("ostiary key for \x00" + purpose))
	return mac.Sum(nil)
}
