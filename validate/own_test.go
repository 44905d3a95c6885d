package validate

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ostiary "github.com/ostiary/ostiary"
)

func TestOwn(t *testing.T) {
	dir, ws := tree(t)
	state := filepath.Join(dir, "state")
	must(t, os.MkdirAll(state, 0o700))
	must(t, os.WriteFile(filepath.Join(state, "key"), nil, 0o600))
	must(t, os.Symlink(state, filepath.Join(ws, "side")))
	must(t, os.Symlink(filepath.Join(state, "key"), filepath.Join(ws, "word")))
	check := Own(Options{WorkingDir: ws, Home: dir, Protect: []string{state, filepath.Join(dir, "policy.yaml")}})
	none := Own(Options{WorkingDir: ws, Home: dir})
	for value, denied := range map[string]bool{
		state:                                 true,
		state + "/key":                        true,
		filepath.Join(dir, "POLICY.yaml"):     true,
		"../state/new":                        true,
		"side/key":                            true,
		"word":                                true,
		"~/state/key":                         true,
		"$HOME/state/key":                     true,
		"file://" + state + "/key":            true,
		"file://localhost" + state + "/k%65y": true,
		" \"" + state + "/key\"\n":            true,
		"--output=" + state + "/key":          true,
		`..\state\key`:                        true,
		state + "/key\x00.txt":                true,
		dir:                                   false, // a directory above
		state + "x":                           false,
		"file.txt":                            false,
		"key":                                 false,
		"see the file in " + state + " now":   false,
		"line\n" + state + "/key":             false,
	} {
		text, err := json.Marshal(value)
		must(t, err)
		for _, args := range []string{`{"a":[{"b":` + string(text) + `}]}`, `{` + string(text) + `:1}`} {
			c := callWith(t, ostiary.EffectRead, args)
			wantCode(t, none.Run(context.Background(), c), "")
			var want ostiary.Code
			if denied {
				want = ostiary.CodeValidatePath
			}
			if err := check.Run(context.Background(), c); (err != nil) != denied {
				t.Errorf("%s: %v, want %q", args, err, want)
			} else {
				wantCode(t, err, want)
			}
		}
	}
}

// What is known of a word in the working directory must be what asking about its
// whole path tells, or more where that directory is ours.
func TestOwnWord(t *testing.T) {
	dir, ws := tree(t)
	state := filepath.Join(ws, "State")
	must(t, os.MkdirAll(state, 0o700))
	must(t, os.Symlink(state, filepath.Join(ws, "link")))
	must(t, os.Symlink("link", filepath.Join(ws, strings.Repeat("l", 255))))
	for _, base := range []string{"/", dir, ws, state, filepath.Join(ws, "link"), ws + "/"} {
		check := newOwn(Options{WorkingDir: base, Protect: []string{state, "/state", filepath.Join(dir, "policy.yaml")}})
		for _, s := range []string{
			"state", "STATE.", "state:stream", "link", "file", "Policy.YAML", "policy.yam", "...", " ", "a b",
			strings.Repeat("l", 255), strings.Repeat("l", 256), strings.Repeat("ſ", 300),
		} {
			if got, want := check.word(s), check.at(check.prefix+s); got != want && (want || !check.held) {
				t.Errorf("%q in %s: %v, its path %v", s, base, got, want)
			}
		}
	}
}
