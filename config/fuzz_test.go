package config

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	ostiary "github.com/ostiary/ostiary"
)

var position = regexp.MustCompile(`^fuzz\.yaml:[1-9][0-9]*:[1-9][0-9]*: .`)

// FuzzParse: whatever the bytes are, there is a File or errors that have a
// place, and the answer comes soon.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{"[,]", "{a:b}", "a: |\n\n x", "{? a}", "- - - a", "a: 'x\n\n y'", "\"a\": b", "[a: b]", "a: >+\n x\n\n", ": x", "- : y", "{: x}", "a:\n- b\n-", "[[[[", "!x", "a: \"\\u0000\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		watch := time.AfterFunc(10*time.Second, func() { panic("the parser hangs") })
		file, err := Parse("fuzz.yaml", data, testOptions())
		watch.Stop()
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		for _, e := range allErrors(err) {
			if e.Code != ostiary.CodeConfigInvalid && e.Code != ostiary.CodeConfigLayer {
				t.Errorf("code %s: %s", e.Code, e.Message)
			}
			if !position.MatchString(e.Message) {
				t.Errorf("no place: %q", e.Message)
			}
		}
	})
}
