package peers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// marker is written into node_modules last. It holds the digest of the lock file
// that was installed, so a half-done or outdated installation does not count.
const marker = ".ostiary-installed"

func lockDigest(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func installed(dir string) (bool, error) {
	want, err := lockDigest(dir)
	if err != nil {
		return false, err
	}
	got, err := os.ReadFile(filepath.Join(dir, "node_modules", marker))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return string(got) == want, err
}

// install runs npm ci. Test packages run at once and npm ci begins by deleting
// node_modules, so one holds a file lock and the others find the work done.
func install(ctx context.Context, dir string) error {
	unlock, err := locked(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if ready, err := installed(dir); ready || err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "npm", "ci")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, text)
	}
	want, err := lockDigest(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "node_modules", marker), []byte(want), 0o644)
}

// locked waits for its turn to install, and returns what ends it.
func locked(dir string) (unlock func(), err error) {
	lock, err := os.OpenFile(filepath.Join(dir, ".install.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
	}
	return func() { _ = lock.Close() }, nil // closing releases the lock
}
