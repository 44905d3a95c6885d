package config

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
)

// PolicyFolder is where the state directory keeps the text of each policy that a
// door was started with, as DIGEST.yaml: a record names only the digest. A text
// with secrets is kept without them, as DIGEST.masked.yaml.
const PolicyFolder = "policy"

// keepPolicy keeps the file's text under its digest, once, so that an incident
// can be judged by the rules of its time. A file that is there and says something
// else was changed or torn, and is replaced. Without a file there is nothing to
// keep, and a text whose secrets cannot all be told from the rest stays where it is.
func (f *File) keepPolicy(state string) error {
	if f.raw == nil {
		return nil
	}
	text, ok := MaskPolicy(f.raw)
	if !ok {
		return nil
	}
	name := hex.EncodeToString(f.Digest[:]) + ".yaml"
	if !bytes.Equal(text, f.raw) {
		name = hex.EncodeToString(f.Digest[:]) + ".masked.yaml"
	}
	dir := filepath.Join(state, PolicyFolder)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	path := filepath.Join(dir, name)
	if err == nil && !isKept(path, text) {
		err = writeWhole(path, text)
	}
	if err != nil {
		return &ostiary.Error{
			Code: ostiary.CodeAuditUnavailable, Err: bare(err),
			Message: "the text of the policy cannot be kept beside the evidence that names it; check the disk and the owner of " + dir,
		}
	}
	return nil
}

func isKept(path string, text []byte) bool {
	file, info, err := open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	kept, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	return err == nil && info.Mode().Perm() == 0o600 && bytes.Equal(kept, text)
}

// writeWhole makes or replaces a file, so that a reader sees all of it or none.
func writeWhole(path string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".policy-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// masked stands where a literal secret stood. It is a plain text wherever YAML
// allows one, which what package redact writes is not.
const masked = "REDACTED_known"

var (
	redaction    = regexp.MustCompile(`\[REDACTED:(\w+)\]`)
	maskedBefore = regexp.MustCompile(`^REDACTED_\w+$`)
)

// MaskPolicy returns the text of a policy without the secrets that are written
// out in it, for others to read. Text without any, so text that was masked before, is
// returned as it is. If it
// cannot be told whether all were found, because the text cannot be read any more
// or because a secret is written in parts or is too short, ok is false and the text
// must stay where it is.
func MaskPolicy(text []byte) (safe []byte, ok bool) {
	o := Options{Dir: "/", SkipSecrets: true}
	f, err := Parse("policy.yaml", text, o)
	if err != nil {
		return nil, false
	}
	var secrets []string
	for _, s := range f.Secrets {
		secrets = append(secrets, strings.TrimSpace(s))
	}
	for _, l := range f.likely {
		secrets = append(secrets, strings.TrimSpace(l.value))
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == "" || maskedBefore.MatchString(s) })
	// One may be part of another.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	out := string(text)
	for _, s := range secrets {
		out = strings.ReplaceAll(out, s, masked)
	}
	r, err := f.NewRedactor(slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, false
	}
	out = redaction.ReplaceAllString(r.Text(out), "REDACTED_$1")
	if out == string(text) && len(secrets) == 0 {
		return text, true
	}
	// Written with escapes or over several lines a secret is not found by its
	// characters; then the masked text still reads as having it.
	left, err := Parse("policy.yaml", []byte(out), o)
	if err != nil {
		return nil, false
	}
	for _, s := range secrets {
		if slices.ContainsFunc(left.Secrets, func(t string) bool { return strings.Contains(t, s) }) ||
			slices.ContainsFunc(left.likely, func(t likely) bool { return strings.Contains(t.value, s) }) {
			return nil, false
		}
	}
	return []byte(out), true
}
