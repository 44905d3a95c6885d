package audit

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// What the agent or the server wrote is in the log only as far as it holds no
// secret: the name of a tool that nobody lists, the address of a resource, and a
// result whose secret crosses the end of what is kept. The control is a log that
// redacts nothing.
func TestLaw6NamesAddressesAndCutsLeaveNoSecret(t *testing.T) {
	const secret = "Zq8v-c0nfigured-credential-5150-abcd"
	known, err := redact.New(redact.Options{Known: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	forbidden := func(code ostiary.Code) *ostiary.Rule { return &ostiary.Rule{Forbid: &ostiary.Error{Code: code}} }
	tests := []struct {
		name, leak string
		change     func(c *ostiary.Call, r *ostiary.Result)
	}{
		{"a tool nobody lists", "Zq8v", func(c *ostiary.Call, _ *ostiary.Result) {
			c.Target, c.Rule = secret, forbidden(ostiary.CodePolicyUnknown)
		}},
		{"a tool without a catalog", "Zq8v", func(c *ostiary.Call, _ *ostiary.Result) {
			c.Target, c.Rule = secret, forbidden(ostiary.CodePolicyCatalog)
		}},
		{"an address", "hunter2", func(c *ostiary.Call, _ *ostiary.Result) {
			c.Class, c.Target = ostiary.ClassResource, "https://x/?a=1&password=hunter2secret&b=2"
		}},
		{"a result at the cut", "Zq8v", func(_ *ostiary.Call, r *ostiary.Result) {
			r.Text = strings.Repeat("é", 166) + secret + strings.Repeat("y", 800)
		}},
	}
	for _, test := range tests {
		for _, redacting := range []bool{true, false} {
			dir := filepath.Join(t.TempDir(), "state")
			l := openTest(t, dir, func(o *Options) {
				if redacting {
					o.RedactText = known.Text
				}
			})
			c, r := testCall("c"), &ostiary.Result{Text: "x"}
			test.change(c, r)
			e, err := l.Begin(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.End(ostiary.Outcome{Status: ostiary.StatusOK, Result: r}); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if leaked := bytes.Contains(read(t, segmentPath(dir, l.ID())), []byte(test.leak)); leaked == redacting {
				t.Errorf("%s, redacting %v: the secret is in the log: %v", test.name, redacting, leaked)
			}
		}
	}
}
