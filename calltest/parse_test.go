package calltest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestParseSaysWhatIsWrong(t *testing.T) {
	const rest = "-- call.json --\n{}\n-- reply.json --\n{}\n"
	for _, c := range []struct{ text, want string }{
		{"", "case.txtar:1: a case names its threat"},
		{"threat: x\n", "case.txtar:1: a case has at least one call"},
		{"threat: x\nthreat: y\n" + rest, "case.txtar:2: the directive threat: stands twice; the first is in line 1"},
		{"\nthread: x\n" + rest, `case.txtar:2: unknown directive "thread": did you mean "threat"?`},
		{"threat:\n" + rest, "the directive threat: has no value"},
		{"threat: x\nrepeat: 0\n" + rest, "case.txtar:2: repeat: is how often"},
		{"threat: x\nera: new\n" + rest, `unknown era "new"`},
		{"threat: x\ntimeout: soon\n" + rest, "timeout: is a time such as 200ms"},
		{"threat: x\ndelay: 2h\n" + rest, "at most one minute"},
		{"threat: x\nupstream: a/b\n" + rest, "cannot name a server"},
		{"threat: x\npolicy: p.yaml\n-- policy.yaml --\n" + rest, "case.txtar:3: the case has a policy.yaml and the directive"},
		{"threat: x\n" + rest + rest, "case.txtar:6: the section \"call.json\" stands twice; the first is in line 2"},
		{"threat: x\n-- polcy.yaml --\n" + rest, `case.txtar:2: unknown section "polcy.yaml": did you mean "policy.yaml"?`},
		{"threat: x\n-- call-A.json --\n" + rest, `unknown section "call-A.json"`},
		{"threat: x\n-- wsx/a --\n" + rest, `unknown section "wsx/a"`},
		{"threat: x\n-- ws/../../etc/x --\n" + rest, "is no name of a file"},
		{"threat: x\n-- ws-/../../x --\n" + rest, "is no name of a file"},
		{"threat: x\n-- links --\nws/a /etc\n" + rest, "case.txtar:3: write a link as"},
		{"threat: x\n-- links --\n../a -> /etc\n" + rest, "case.txtar:3: write a link as"},
		{"threat: x\n-- call.json --\n{}\n", "case.txtar:2: nothing is expected of call.json"},
		{"threat: x\n-- call.json --\n-- reply.json --\n{}\n", "call.json is empty"},
		{"threat: x\n-- call.json --\n{\n\"\n-- reply.json --\n{}\n", "must be one line"},
		{"threat: x\n-- call-a.json --\n{}\n-- ask-a.json --\n{}\n-- reply-a.json --\n{}\n", "give them different suffixes"},
		{"threat: x\n-- reply-b.json --\n{}\n" + rest, "case.txtar:2: reply-b.json belongs to no step"},
		{"threat: x\n-- control-ask.json --\n{}\n" + rest, "case.txtar:2: control-ask.json belongs to no step"},
		{"threat: x\n-- call.json --\n{}\n-- reply.json --\n{\n\n\"a\"\n", "case.txtar:7: reply.json: "},
		{"threat: x\n-- call.json --\n{}\n-- reply.json --\n[]\n", "case.txtar:5: reply.json must be a JSON object"},
		{"threat: x\n-- tools.json --\n{}\n" + rest, "tools.json must be a JSON array"},
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\n \"verdit\": \"deny\"}\n", `case.txtar:6: decision.json: unknown key "verdit": did you mean "verdict"?`},
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\"verdict\": \"ask\"}\n", `needs "verdict": "allow" or "deny"`},
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\"verdict\": \"deny\"}\n", "must say which"},
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\"verdict\": \"deny\", \"code\": \"c\"}\n", "case.txtar:4: a case that expects a refusal needs a control"},
		{"threat: x\n-- record.json --\n{\"tool\": 1}\n" + rest, `unknown key "tool"`},
		{"threat: x\nera: modern\n-- ask.json --\n{}\n-- reply.json --\n{}\n", "a server sends no requests in the modern era"},
	} {
		_, err := parse("case.txtar", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"$WS/a":                 "/w/ws/a",
		"$WS-evil $WORK":        "/w/ws-evil /w",
		"$WSX $HOME $(id) $ $$": "$WSX $HOME $(id) $ $$",
		"":                      "",
	} {
		if got := string(expand([]byte(in), "/w")); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

var placed = regexp.MustCompile(`^fuzz\.txtar:[1-9][0-9]*: .`)

// FuzzParse: whatever the bytes are, there is a case or errors with places.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../testdata/calls/*.txtar")
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
	f.Add([]byte(good))
	f.Add([]byte("-- a --\n-- --\n--  --\nthreat: \x00\n-- call-.json --\n"))
	f.Add([]byte("threat: x\n-- tools.json --\n[[[[{\n-- decision.json --\n{\"\":1,\"verdict\":[]}\n-- call.json --\n-- links --\n->\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse("fuzz.txtar", data)
		if (c == nil) == (err == nil) {
			t.Fatalf("case %v, error %v", c, err)
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				if !placed.MatchString(ostiary.AsError(e).Message) {
					t.Errorf("no place: %q", ostiary.AsError(e).Message)
				}
			}
		}
		if c == nil {
			return
		}
		for _, s := range c.steps {
			for i := range 2 {
				lineOf(expand(s.message.data, "/w"), c.era, i)
			}
			if s.reply != nil {
				body(s.reply.data)
			}
		}
	})
}
