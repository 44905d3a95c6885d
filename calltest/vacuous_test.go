package calltest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const good = `Prose.

threat: path traversal

-- policy.yaml --
rules:
  - {tool: up/read_file, effect: read, world: closed, args: {/path: {path: ./ws}}}
-- control-policy.yaml --
rules:
  - {tool: up/read_file, effect: read, world: closed}
-- tools.json --
[{"name": "read_file", "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}}}]
-- call-in.json --
{"name": "read_file", "arguments": {"path": "notes.txt"}}
-- reply-in.json --
{"content": [{"type": "text", "text": "notes"}]}
-- forwarded-in.json --
{"arguments": {"path": "notes.txt"}}
-- answer-in.json --
{"content": [{"text": "notes"}]}
-- record-in.json --
{"status": "ok", "kinds": ["outcome"]}
-- call.json --
{"name": "read_file", "arguments": {"path": "../secret"}}
-- decision.json --
{"verdict": "deny", "code": "validate_path", "message": "leaves"}
-- record.json --
{"code": "validate_path", "body": {"args": {"path": "../secret"}, "text": null}}
`

func runText(t *testing.T, text string) (Result, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "case.txtar")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Run(t.Context(), file, options())
}

// TestNoCasePassesVacuously changes one thing of a good case at a time; each
// must make it fail at its place.
func TestNoCasePassesVacuously(t *testing.T) {
	if r, err := runText(t, good); err != nil || !r.OK() {
		t.Fatalf("the case itself: %v\n%v", err, r)
	}
	for name, c := range map[string]struct{ old, now, want string }{
		"the guard is missing": {", args: {/path: {path: ./ws}}}\n-- control", "}\n-- control", "nothing reaches the server"},
		"another guard":        {"world: closed, args: {/path: {path: ./ws}}", "when: \"false\"", `expected  "validate_path"`},
		"another code":         {`"verdict": "deny", "code": "validate_path"`, `"verdict": "deny", "code": "validate_sql"`, `came      "validate_path"`},
		"another message":      {`"leaves"`, `"no such words"`, "case.txtar:26: decision.json /message"},
		"allowed after all":    {`"verdict": "deny", "code": "validate_path", "message": "leaves"`, `"verdict": "allow"`, `came      "deny"`},
		"the record differs":   {`"body": {"args": {"path": "../secret"}`, `"body": {"args": {"path": "[redacted]"}`, "record.json /body/args/path"},
		"more in the record":   {`"text": null}`, `"text": "x"}`, "came      nothing"},
		"no record field":      {`{"code": "validate_path", "body"`, `{"code": null, "body"`, "expected  nothing"},
		"an intent appears":    {`"kinds": ["outcome"]`, `"kinds": ["intent", "outcome"]`, "record-in.json /kinds"},
		"other bytes":          {`{"arguments": {"path": "notes.txt"}}` + "\n-- answer", `{"arguments": {"path": "other"}}` + "\n-- answer", "forwarded-in.json /arguments/path"},
		"another answer":       {`{"content": [{"text": "notes"}]}`, `{"content": [{"text": "none"}]}`, "answer-in.json /content/0/text"},
		"the step is refused":  {`"path": "notes.txt"}}` + "\n-- reply", `"path": "../notes.txt"}}` + "\n-- reply", "the server is reached"},
		"the control refuses":  {"effect: read, world: closed}\n-- tools", "effect: destructive}\n-- tools", "control-policy.yaml"},
		"the tool is misspelt": {`[{"name": "read_file"`, `[{"name": "read_fiel"`, "control-policy.yaml"},
		"an earlier repeat":    {"threat:", "repeat: 3\nthreat:", "every call before the last one passes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, c.old, c.now, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			r, err := runText(t, text)
			if err != nil {
				t.Fatal(err)
			}
			if r.OK() || !strings.Contains(r.String(), c.want) {
				t.Errorf("want a failure with %q, got\n%v", c.want, r)
			}
		})
	}
}

// TestAMuteServerFails: a case whose server does not answer ends, and fails.
func TestAMuteServerFails(t *testing.T) {
	r, err := runText(t, strings.Replace(good, "threat:", "delay: 1m\ntimeout: 100ms\nthreat:", 1))
	if err != nil || r.OK() || !strings.Contains(r.String(), "no answer came in time") {
		t.Errorf("%v\n%v", err, r)
	}
}
