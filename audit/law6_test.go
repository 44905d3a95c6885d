package audit

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact"
)

type badGate func() error

func (badGate) Name() string { return "bad" }

func (g badGate) Check(context.Context, *ostiary.Call) (ostiary.Decision, error) {
	return ostiary.Allowed(), g()
}

// TestLaw6ErrorsAndPanicsLeaveNoSecret lets a gate, and a server, fail with a
// configured credential in the error. The log has the reason without it; the agent
// has neither. The control is a log that redacts nothing.
func TestLaw6ErrorsAndPanicsLeaveNoSecret(t *testing.T) {
	const secret = "c0nfigured-credential-5150"
	known, err := redact.New(redact.Options{Known: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	text := errors.New("connecting with " + secret + " went wrong")
	gates := map[string]badGate{
		"error": func() error { return text },
		"panic": func() error { panic(text.Error()) },
		"run":   func() error { return nil },
	}
	for name, gate := range gates {
		for _, redacting := range []bool{true, false} {
			dir := filepath.Join(t.TempDir(), "state")
			l := openTest(t, dir, func(o *Options) {
				if redacting {
					o.RedactText = known.Text
				}
			})
			line, err := ostiary.New(ostiary.Options{Gates: []ostiary.Gate{gate}, Recorder: l, Timeout: time.Minute, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			_, d := line.Do(t.Context(), testSink("c"), func(context.Context, *ostiary.Call) (*ostiary.Result, error) { return nil, text })
			if bytes.Contains([]byte(d.Message), []byte(secret)) || d.Verdict != ostiary.Deny {
				t.Errorf("%s: decision %+v", name, d)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			leaked, said := false, false
			err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				leaked = leaked || bytes.Contains(b, []byte(secret))
				said = said || bytes.Contains(b, []byte("went wrong"))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if leaked == redacting || !said {
				t.Errorf("%s, redacting %v: the secret is in the log: %v; the rest of the reason: %v", name, redacting, leaked, said)
			}
		}
	}
}
