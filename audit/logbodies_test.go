package audit

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestRedactionAndBodies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l := openTest(t, dir, func(o *Options) {
		o.MaxArgs = 40
		o.Redact = func(c *ostiary.Call) []byte {
			switch c.ID {
			case "panics":
				panic("secret")
			case "not json":
				return []byte(`{"secret`)
			case "not judged":
				return c.Arguments
			}
			return bytes.ReplaceAll(c.Arguments, []byte("secret"), []byte("[redacted]"))
		}
		o.RedactText = func(s string) string { return strings.ReplaceAll(s, "secret", "[redacted]") }
	})
	for _, args := range []struct{ id, args string }{
		{"plain", `{"a":"secret"}`}, {"lines", "{\n\"a\": [1,\r\n 12345678901234567890]}"}, {"long", `{"a":"` + strings.Repeat("é", 100) + `"}`},
		{"panics", `{"a":"secret"}`}, {"not json", `{"a":"secret"}`}, {"not judged", `{"a":`}, {"none", ``},
	} {
		c := testCall(args.id)
		c.Arguments = []byte(args.args)
		if args.id == "not judged" { // what is has a digest, since it was read
			c.Digest = ostiary.Digest{}
		}
		e, err := l.Begin(c)
		if err != nil {
			t.Fatal(err)
		}
		err = e.End(ostiary.Outcome{Decision: ostiary.Decision{Reason: "the secret", Would: ostiary.CodePolicyDeny},
			Status: ostiary.StatusOK, Result: &ostiary.Result{Text: "a secret " + strings.Repeat("ü", 300)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, more := range []struct{ id, beside string }{
		{"beside", `{"inputResponses":{"pw":"secret"}}`}, {"beside long", `{"b":"` + strings.Repeat("é", 100) + `"}`}, {"panics", `{"b":1}`},
	} {
		c := testCall(more.id)
		c.Beside = []byte(more.beside)
		if err := recordRead(l, c); err != nil {
			t.Fatal(err)
		}
	}
	c := testCall("uri")
	c.Class, c.Target = ostiary.ClassResource, "file:///secret/"+strings.Repeat("é", 10000)
	if err := recordRead(l, c); err != nil {
		t.Fatal(err)
	}
	l.Close()
	data := string(read(t, segmentPath(dir, l.ID())))
	if strings.Contains(data, "secret") {
		t.Error("a secret is in the log")
	}
	for _, want := range []string{
		`"args":{"a":"[redacted]"},"text":"a [redacted] ` + strings.Repeat("ü", 200-13) + `"}`,
		`"args":{"a":[1,12345678901234567890]}`,
		`"args":"{\"a\":\"` + strings.Repeat("é", 17) + `","cut":168`,
		`"withheld":"args"`,
		`"args":{"path":"notes/today.txt"},"beside":{"inputResponses":{"pw":"[redacted]"}}`,
		`"beside":"{\"b\":\"` + strings.Repeat("é", 17) + `","beside_cut":168`,
		`"withheld":"args beside"`,
		`"would":"policy_deny"`,
	} {
		if !strings.Contains(data, want) {
			t.Errorf("the log lacks %s\n%s", want, data)
		}
	}
	if n := strings.Count(data, `"withheld":"args"}`); n != 3 {
		t.Errorf("the arguments of %d calls are withheld, want 3: who panics, and twice what is not JSON", n)
	}
	if err := verify(t, dir, VerifyOptions{}).Err(); err != nil {
		t.Error(err)
	}
	found, err := Show(t.Context(), dir, "uri")
	if err != nil || len(found) != 1 || !strings.HasSuffix(found[0].Record.Target, "bytes)") || len(found[0].Record.Target) > 600 {
		t.Errorf("found %v %v", found, err)
	}
}

// Equal arguments have different digests, so that nobody finds them by guessing.
func TestDigestIsSalted(t *testing.T) {
	a, b := salt{1}, salt{2}
	if d := (ostiary.Digest{3}); a.digest(&d) == b.digest(&d) {
		t.Error("the salt does not count")
	}
}
