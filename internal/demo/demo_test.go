package demo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/demo/server"
)

// TestJudge checks that every way in which a verdict can be wrong is said.
func TestJudge(t *testing.T) {
	pass := answer{Text: "the answer"}
	refused := answer{Refused: true, Code: "validate_path", Text: "no", Call: "c"}
	later := answer{Refused: true, Code: "limit_rate", Text: "later", Retry: .2}
	path, rate := ostiary.CodeValidatePath, ostiary.CodeLimitRate
	for _, c := range []struct {
		name  string
		call  Call
		got   []answer
		wrong bool
	}{
		{"passes", Call{}, []answer{pass}, false},
		{"passes and shows", Call{Shows: "answer"}, []answer{pass}, false},
		{"passes and shows something else", Call{Shows: "question"}, []answer{pass}, true},
		{"passes redacted", Call{Shows: "key", Comes: "the [R"}, []answer{{Text: "the [R]"}}, false},
		{"passes as it is", Call{Shows: "answer", Comes: "the"}, []answer{pass}, true},
		{"passes with something else", Call{Shows: "key", Comes: "[R"}, []answer{pass}, true},
		{"passes marked", Call{Shows: "answer", Comes: "the", Bare: true}, []answer{pass}, false},
		{"passes bare", Call{Shows: "the answer", Comes: "the", Bare: true}, []answer{pass}, true},
		{"should pass", Call{}, []answer{refused}, true},
		{"refused", Call{Want: path}, []answer{refused}, false},
		{"refused otherwise", Call{Want: rate}, []answer{refused}, true},
		{"refused by the server, without a code", Call{Want: path}, []answer{{Refused: true}}, true},
		{"should be refused", Call{Want: path}, []answer{pass}, true},
		{"refused but shown", Call{Want: path, Shows: "no"}, []answer{refused}, true},
		{"flood", Call{Want: rate, Times: 3}, []answer{pass, later, later}, false},
		{"flood that nobody stops", Call{Want: rate, Times: 2}, []answer{pass, pass}, true},
		{"flood of which nothing passes", Call{Want: rate, Times: 2}, []answer{later, later}, true},
		{"flood without a time", Call{Want: rate, Times: 2}, []answer{pass, {Refused: true, Code: "limit_rate"}}, true},
		{"flood stopped by something else", Call{Want: rate, Times: 3}, []answer{pass, later, refused}, true},
	} {
		c.call.Arguments = `{}`
		if o := judge(1, c.call, "/ws", c.got); (o.Wrong != "") != c.wrong {
			t.Errorf("%s: got %q, want wrong %v", c.name, o.Wrong, c.wrong)
		}
	}
}

func TestDecode(t *testing.T) {
	id, a, ok := decode([]byte(`{"id":7,"result":{"content":[{"type":"text","text":"no"}],"isError":true,` +
		`"_meta":{"ostiary/decision":{"code":"limit_rate","stage":"limit","call":"c1","retryAfter":0.25}}}}`))
	if want := (answer{Text: "no", Refused: true, Code: "limit_rate", Call: "c1", Retry: .25}); !ok || id != 7 || a != want {
		t.Errorf("got %d %+v %v, want %+v", id, a, ok, want)
	}
	if _, a, ok := decode([]byte(`{"id":8,"error":{"code":-32602,"message":"unknown tool"}}`)); !ok || !a.Refused || a.Text != "unknown tool" {
		t.Errorf("an error response gave %+v %v", a, ok)
	}
	for _, line := range []string{``, `{`, `{"method":"notifications/message"}`, `{"id":1,"method":"roots/list"}`} {
		if _, _, ok := decode([]byte(line)); ok {
			t.Errorf("%q was taken for an answer", line)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":                    {""},
		"one two three":       {"one two", "three"},
		"abcdefghij":          {"abcdefg", "hij"},
		"ééééééé é":           {"ééééééé", "é"},
		"a abcdefghijklmno b": {"a", "abcdefg", "hijklmn", "o b"},
	} {
		got := wrap(text, 7)
		if !slices.Equal(got, want) {
			t.Errorf("%q gave %q, want %q", text, got, want)
		}
		for _, row := range got {
			if utf8.RuneCountInString(row) > 7 {
				t.Errorf("%q is too long", row)
			}
		}
	}
}

// TestFindLine checks that the right record and its own body are found, and that
// what a segment has behind its last record does not matter.
func TestFindLine(t *testing.T) {
	log := `{"v":1,"n":0,"kind":"open"}` + "\n" +
		`{"v":1,"n":1,"call":"a"}` + "\n" + `{"body":"a","args":1}` + "\n" +
		`{"v":1,"n":2,"call":"b"}` + "\n" + `{"body":"b","args":2}` + "\n" + strings.Repeat("\x00", 100)
	at, err := findLine([]byte(log), `"call":"b"`)
	if err != nil || at == nil || at.n != 2 || string(at.body) != `{"body":"b","args":2}` || !strings.HasPrefix(log[at.offset:], string(at.line)) {
		t.Errorf("got %+v %v", at, err)
	}
	if at, err := findLine([]byte(log), `"call":"c"`); at != nil || err != nil {
		t.Errorf("got %+v %v, want nothing", at, err)
	}
}

// TestSecretThatLeaked checks that a secret in any file of the state directory is
// found.
func TestSecretThatLeaked(t *testing.T) {
	state := t.TempDir()
	segment := filepath.Join(state, "audit", "log", "00000000.jsonl")
	if err := os.MkdirAll(filepath.Dir(segment), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"v":1,"n":1,"target":"secret"}` + "\n" + `{"body":"x","args":{"token":"gone"}}` + "\n"
	if err := os.WriteFile(segment, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &show{state: state}
	calls := []outcome{{N: 3, Tool: "secret", Verdict: "allowed"}}
	if n, kept, err := s.secret(calls); err != nil || n != 3 || string(kept) != `{"token":"gone"}` || len(s.wrong) > 0 {
		t.Errorf("got %d %s %v %q", n, kept, err, s.wrong)
	}
	if err := os.WriteFile(filepath.Join(state, "catalog.json"), []byte("x "+token+" y"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.secret(calls); err != nil || len(s.wrong) != 1 {
		t.Errorf("a leaked secret gave %q, %v", s.wrong, err)
	}
}

// TestCalls checks that the calls fit the server: a name that it does not have
// would be refused for the wrong reason.
func TestCalls(t *testing.T) {
	for i, c := range Calls() {
		known := slices.Contains(server.Tools(), c.Tool)
		if known == (c.Want == ostiary.CodePolicyUnknown) {
			t.Errorf("call %d: the server has the tool %q: %v", i+1, c.Tool, known)
		}
		if c.Attack != (c.Want != "" || c.Comes != "") {
			t.Errorf("call %d: an attack is what must not pass, or not as it is", i+1)
		}
	}
}
