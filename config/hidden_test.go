package config

import (
	"context"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/redact/scan"
	"github.com/ostiary/ostiary/untrusted"
	"github.com/ostiary/ostiary/wire"
)

// TestWhatHidesHidesNoSecret holds two rooms together: each character that is shown to
// the model as hidden is passed over in the search for secrets, or one within a secret
// would let it pass, with a number in brackets that whoever reads it can leave out.
func TestWhatHidesHidesNoSecret(t *testing.T) {
	engine, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := redact.NewFilter(redact.FilterOptions{Engine: engine, Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for r := rune(1); r <= 0x10ffff; r++ {
		if r > 0xf0000 && r%4093 > 1 { // in private use, all alike
			continue
		}
		if _, kinds := untrusted.Reveal("a" + string(r) + "b"); kinds != 0 && kinds&untrusted.HiddenAlphabets == 0 {
			texts = append(texts, string(wire.Quote(pat[:20]+string(r)+pat[20:])))
		}
	}
	if len(texts) < 500 {
		t.Fatalf("only %d characters hide", len(texts))
	}
	for len(texts) > 0 {
		n := min(len(texts), 100)
		r := &ostiary.Result{Status: ostiary.StatusOK, Body: []byte("[" + strings.Join(texts[:n], ",") + "]")}
		if err := f.Apply(context.Background(), &ostiary.Call{Method: "tools/call"}, r); err != nil {
			t.Fatal(err)
		}
		if got := strings.Split(string(r.Body), ","); len(got) == n {
			for i, one := range got {
				if !strings.Contains(one, "[REDACTED:github-pat]") {
					t.Errorf("%+q passes as %s", texts[i], one)
				}
			}
		} else {
			t.Errorf("%d texts became %d", n, len(got))
		}
		texts = texts[n:]
	}
}
