package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Nginx returns the path of nginx: that of the system, or on Debian one that is
// unpacked from Debian's package into the folder nginx, so that no service of the
// machine is installed or started.
func Nginx(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	dir := filepath.Join(Root(t), "internal", "peers")
	path := filepath.Join(dir, "nginx", "usr", "sbin", "nginx")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if os.Getenv(Env) != "install" {
		t.Skip(loudly("nginx is not installed; install it, or run `make peers`, or set " + Env + "=install"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := unpackNginx(ctx, dir); err != nil {
		t.Fatalf("peers: nginx is not installed, and Debian's package cannot be had (%v): install nginx", err)
	}
	return path
}

// unpackNginx fetches Debian's package and unpacks it into the folder nginx, which
// appears when it is whole.
func unpackNginx(ctx context.Context, dir string) error {
	unlock, err := locked(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, "nginx")); err == nil {
		return nil // by another test package meanwhile
	}
	scratch, err := os.MkdirTemp(dir, ".nginx-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	run := func(name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = scratch
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, text)
		}
		return nil
	}
	if err := run("apt-get", "download", "nginx"); err != nil { // its lists may be old, or none
		if again := errors.Join(run("apt-get", "update"), run("apt-get", "download", "nginx")); again != nil {
			return again
		}
	}
	found, err := filepath.Glob(filepath.Join(scratch, "nginx_*.deb"))
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("apt-get left %d packages", len(found))
	}
	if err := run("dpkg-deb", "-x", found[0], "all"); err != nil {
		return err
	}
	return os.Rename(filepath.Join(scratch, "all"), filepath.Join(dir, "nginx"))
}
