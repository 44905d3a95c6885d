package config

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeepPolicy(t *testing.T) {
	state := t.TempDir()
	text := "version: 1\n# the bytes stay, comments too\n"
	f, err := Parse("p.yaml", []byte(text), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(state, PolicyFolder, hex.EncodeToString(f.Digest[:])+".yaml")
	for _, before := range []string{"", text, "version: 1\n# torn", text + "x"} {
		if before != "" {
			if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.keepPolicy(state); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("kept %q over %q, %v", got, before, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	none := Defaults()
	other := t.TempDir()
	if err := none.keepPolicy(other); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) != 0 {
		t.Errorf("without a file: %v, %v", left, err)
	}
	if err := f.keepPolicy(filepath.Join(other, "gone")); err == nil {
		t.Error("a policy that cannot be kept is no error")
	}
}

func TestKeepPolicyWithoutItsSecrets(t *testing.T) {
	state, random := t.TempDir(), make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	secret := "pw-" + hex.EncodeToString(random)
	f, err := Parse("p.yaml", []byte("version: 1\nupstreams:\n  db: {env: {API_TOKEN: "+secret+"}} # harmless\n"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.keepPolicy(state); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(state, PolicyFolder, hex.EncodeToString(f.Digest[:])+".masked.yaml"))
	if err != nil || strings.Contains(string(got), secret) || !strings.Contains(string(got), "harmless") {
		t.Errorf("kept %q, %v", got, err)
	}
	if left, err := os.ReadDir(filepath.Join(state, PolicyFolder)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestMaskPolicy(t *testing.T) {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	secret := "pw-" + hex.EncodeToString(random)
	env := func(value string) string {
		return "version: 1\nupstreams:\n  a:\n    command: [x]\n    env: {DB_PASSWORD: " + value + "}\n"
	}
	var escaped strings.Builder
	for _, b := range []byte(secret) {
		fmt.Fprintf(&escaped, `\x%02x`, b)
	}
	for name, c := range map[string]struct {
		text        string
		whole, mask bool
	}{
		"none":         {"version: 1\n", true, false},
		"interpolated": {env(`"${env:TOKEN}"`), true, false},
		"plain":        {env(secret), false, true},
		"twice":        {env(secret) + "# " + secret + "\n", false, true},
		"likely":       {strings.Replace(env(secret), "DB_PASSWORD", "STRIPE_THING", 1), false, true},
		"with escapes": {env(`"` + escaped.String() + `"`), false, false},
		"in two lines": {env(`"` + secret[:9] + "\\\n      " + secret[9:] + `"`), false, false},
		"no policy":    {"versio: " + secret, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := MaskPolicy([]byte(c.text))
			if ok != (c.whole || c.mask) {
				t.Fatalf("ok %v", ok)
			}
			if ok && (string(got) == c.text) != c.whole {
				t.Errorf("got\n%s", got)
			}
			if again, ok2 := MaskPolicy(got); ok && (!ok2 || string(again) != string(got)) {
				t.Errorf("masked again (%v)\n%s", ok2, again)
			}
			if strings.Contains(string(got), secret) {
				t.Errorf("the secret leaves in\n%s", got)
			}
		})
	}
}
