package validate

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
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
