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
	lock, err := os.OpenFile(filepath.Join(dir, ".install.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // closing releases the lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
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
