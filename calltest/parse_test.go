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
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\"verdict\": \"ask\"}\n", `needs "verdict": "allow", "answer" or "deny"`},
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\"verdict\": \"deny\"}\n", "must say which"},
		{"threat: x\n-- call.json --\n{}\n-- decision.json --\n{\"verdict\": \"deny\", \"code\": \"c\"}\n", "case.txtar:4: a case that expects a refusal needs a control"},
		{"threat: x\n-- record.json --\n{\"tool\": 1}\n" + rest, `unknown key "tool"`},
		{"threat: x\n-- person --\n\naprove\n" + rest, `case.txtar:4: person: unknown act "aprove": did you mean "approve"?`},
		{"threat: x\n-- persn --\napprove\n" + rest, `case.txtar:2: unknown section "persn": did you mean "person"?`},
		{"threat: x\n-- person --\napprove it\n" + rest, `approve does not take the word "it": it stands alone`},
		{"threat: x\n-- person --\ngrant --tol up/a\n" + rest, `case.txtar:3: person: grant has no flag "--tol": did you mean "--tool"?`},
		{"threat: x\n-- person --\ngrant --uses 1\n" + rest, "add --tool UPSTREAM/TOOL"},
		{"threat: x\n-- person --\ngrant --tool up/a --tool up/b\n" + rest, "has --tool twice"},
		{"threat: x\n-- person --\ngrant --tool up/a --token=x\n" + rest, "--token has no value"},
		{"threat: x\n-- person --\ngrant --tool up/a --when\n" + rest, "--when needs a value"},
		{"threat: x\n-- person --\ngrant --tool up/a --uses none\n" + rest, `--uses is a number of calls, 1 or more, not "none"`},
		{"threat: x\n-- person --\ngrant --tool up/a --for long\n" + rest, `--for is a time such as 90s or 5m, not "long"`},
		{"threat: x\n-- person --\ngrant --tool up/a --reason two words\n" + rest, "between quotation marks"},
		{"threat: x\n-- person --\ndeny \"why\n" + rest, `the quotation mark " has no end`},
		{"threat: x\n-- person --\nfreeze --reason r\n" + rest, "freeze needs one of --all, --principal"},
		{"threat: x\n-- person --\nfreeze --all --tool a/b\n" + rest, "freeze needs one of --all, --principal"},
		{"threat: x\n-- person --\nlater\n" + rest, "later takes how much: a time such as 90s, 5m or 2h"},
		{"threat: x\n-- person --\nlater -5m\n" + rest, "later takes how much"},
		{"threat: x\n-- person --\nwrite ws/../a b\n" + rest, "write takes a file below ws/"},
		{"threat: x\n-- person --\nrestart --policy new.yaml\n" + rest, "--policy is a section such as policy-other.yaml"},
		{"threat: x\n-- person --\nrestart --policy policy-nwe.yaml\n-- policy-new.yaml --\n" + rest, `case.txtar:3: there is no section "policy-nwe.yaml" to restart with: did you mean "policy-new.yaml"?`},
		{"threat: x\n-- policy-new.yaml --\n" + rest, "case.txtar:2: nobody uses the section policy-new.yaml: write `restart --policy policy-new.yaml`"},
		{"threat: x\n-- tools-new.json --\n{}\n" + rest, "tools-new.json must be a JSON array"},
		{"threat: x\n" + rest + "-- person --\napprove\n", "case.txtar:6: after person nothing is called"},
		{"threat: x\n-- control-person-a --\napprove\n" + rest, "case.txtar:2: control-person-a belongs to nothing: there is no section person-a"},
		{"threat: x\n-- person --\n-- control-person --\nlatr 5m\n" + rest, `case.txtar:4: control-person: unknown act "latr": did you mean "later"?`},
		{"threat: x\n-- dry-run-forwarded.json --\n{}\n" + rest, "case.txtar:2: dry-run-forwarded.json says what a dry run looks like that must not be: add dry-run.json"},
		{"threat: x\n-- person --\nrestart --upstream a/b\n" + rest, `"a/b" cannot name a server`},
		{"threat: x\n" + rest + "-- comes-back --\n", "case.txtar:6: comes-back names no text"},
		{"threat: x\n" + rest + "-- comes-back --\n# a remark\n", "case.txtar:6: comes-back names no text"},
		{"threat: x\n" + rest + "-- comes-back --\nok\n\"open\n", "case.txtar:8: comes-back: this begins like a JSON string and is none"},
		{"threat: x\n" + rest + "-- comes-back --\n\"\"\n", "case.txtar:7: comes-back: this begins like a JSON string"},
		{"threat: x\n" + rest + "-- comes-back --\nnotes\nresult\n", `case.txtar:8: comes-back: "result" stands in every answer`},
		{"threat: x\n" + rest + "-- comes-back --\n\"content\"\n", `case.txtar:7: comes-back: "content" stands in every answer`},
		{"threat: x\n" + rest + "-- comes-back --\n:{\n", `stands in every answer`},
		{"threat: x\n" + rest + "-- comes-back-b --\nx\n", "case.txtar:6: comes-back-b belongs to no step"},
		{"threat: x\n" + rest + "-- comes-back.json --\n{}\n", `unknown section "comes-back.json"`},
		{"threat: x\n" + rest + "-- stays-back --\nx\n", "case.txtar:6: what must not come back needs a control"},
		{"threat: x\n" + rest + "-- stays-back --\n", "case.txtar:6: stays-back names no text"},
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
