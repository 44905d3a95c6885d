package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

var update = flag.Bool("update", false, "write the golden files and the reference anew")

// testOptions are surroundings that do not depend on the machine.
func testOptions() Options {
	env := map[string]string{"TOKEN": "s3cr3t-from-env", "EMPTY": ""}
	return Options{
		Dir:       "/etc/ostiary",
		Home:      "/home/alice",
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

// TestGolden reads every testdata/*.yaml. Beside a file that is refused lies a
// file *.err with the errors; a new case is a new file and a run with -update.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(filepath.Base(file), data, testOptions())
			got := errorText(err)
			golden := strings.TrimSuffix(file, ".yaml") + ".err"
			if *update {
				if got == "" {
					os.Remove(golden)
				} else if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if !bytes.Equal(want, []byte(got)) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			for _, secret := range []string{"s3cr3t", "ghp_"} {
				if strings.Contains(got, secret) {
					t.Errorf("an error tells the secret %s", secret)
				}
			}
		})
	}
}

// errorText is every error of a file as a person sees it, one after another.
func errorText(err error) string {
	var b strings.Builder
	for _, e := range allErrors(err) {
		b.WriteString(string(e.Code) + ": " + e.Message + "\n")
	}
	return b.String()
}

func allErrors(err error) []*ostiary.Error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []*ostiary.Error{ostiary.AsError(err)}
	}
	var all []*ostiary.Error
	for _, e := range joined.Unwrap() {
		all = append(all, ostiary.AsError(e))
	}
	return all
}
