package peers

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestInstalled checks that a half-done or outdated installation does not count.
func TestInstalled(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want bool) {
		t.Helper()
		if got, err := installed(dir); err != nil || got != want {
			t.Errorf("installed gave %v, %v; want %v", got, err, want)
		}
	}
	write("package-lock.json", "one")
	check(false)
	if err := os.Mkdir(filepath.Join(dir, "node_modules"), 0o700); err != nil {
		t.Fatal(err)
	}
	check(false)
	digest, err := lockDigest(dir)
	if err != nil {
		t.Fatal(err)
	}
	write("node_modules/"+marker, digest)
	check(true)
	write("package-lock.json", "two")
	check(false)
}

// TestLockFile checks that the lock file pins exactly and names no registry.
func TestLockFile(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`"resolved".*`).Find(lock); m != nil {
		t.Errorf("package-lock.json says where a package came from: %s\n"+
			"make it anew with npm install in this folder, whose .npmrc leaves addresses out", m)
	}
	pkg, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`"@[^"]+": "[^0-9][^"]*"`).Find(pkg); m != nil {
		t.Errorf("package.json must pin exactly: %s", m)
	}
}
