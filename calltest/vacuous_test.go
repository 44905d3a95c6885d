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

// withPeople is a case in which somebody acts.
const withPeople = `threat: a grant used late

-- policy.yaml --
rules: [{tool: up/delete_file, effect: destructive, dry_run: {argument: dry_run}}]
-- policy-new.yaml --
rules: [{tool: up/delete_file, effect: destructive, dry_run: {argument: dry_run}, world: closed}]
-- tools.json --
[{"name": "delete_file", "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}, "dry_run": {"type": "boolean"}}}}]
-- ws/a --
-- call-asks.json --
{"name": "delete_file", "arguments": {"path": "a"}}
-- dry-run-asks.json --
{"content": [{"type": "text", "text": "would delete a"}]}
-- dry-run-forwarded-asks.json --
{"arguments": {"dry_run": true}}
-- decision-asks.json --
{"verdict": "deny", "code": "approval_pending"}
-- person-yes --
approve
-- call-yes.json --
{"name": "delete_file", "arguments": {"path": "a"}}
-- reply-yes.json --
{"content": [{"type": "text", "text": "deleted"}]}
-- forwarded-yes.json --
{"arguments": {"dry_run": false}}
-- person-grant --
grant --tool up/delete_file --uses 2 --for 5m --when 'call.args.path == "a"' --token --session case
write ws/a "other text"
-- call-soon.json --
{"name": "delete_file", "arguments": {"path": "a"}, "_meta": {"ostiary/grant": "$TOKEN"}}
-- reply-soon.json --
{"content": [{"type": "text", "text": "deleted"}]}
-- forwarded-soon.json --
{"arguments": {"path": "a", "dry_run": false}, "_meta": {"ostiary/grant": null}}
-- record-soon.json --
{"under": "grant ", "kinds": ["intent", "outcome"]}
-- person-late --
later 6m
-- control-person-late --
later 4m
-- call-late.json --
{"name": "delete_file", "arguments": {"path": "a"}, "_meta": {"ostiary/grant": "$TOKEN"}}
-- decision-late.json --
{"verdict": "deny", "code": "grant_expired"}
-- person-last --
restart --policy policy-new.yaml
freeze --tool up/delete_file
unfreeze --tool up/delete_file
-- call-last.json --
{"name": "delete_file", "arguments": {"path": "a", "dry_run": true}}
-- reply-last.json --
{"content": [{"type": "text", "text": "would delete a"}]}
-- record-last.json --
{"session": "case-2"}
-- events --
grant_created
freeze_set
freeze_lifted
`

// TestNoActPassesVacuously changes one act, or what must come of it, at a time.
func TestNoActPassesVacuously(t *testing.T) {
	t.Parallel()
	if r, err := runText(t, withPeople); err != nil || !r.OK() {
		t.Fatalf("the case itself: %v\n%v", err, r)
	}
	for name, c := range map[string]struct{ old, now, want string }{
		"a use less":            {"--uses 2", "--uses 1", "without the guard call-late.json"},
		"another condition":     {`path == "a"`, `path == "b"`, "reply-soon.json"},
		"a wrong condition":     {"call.args.path", "call.arg.path", "case.txtar:27: person-grant"},
		"another session":       {"--session case", "--session mine", "reply-soon.json"},
		"another principal":     {"--token", "--token --principal bob", "reply-soon.json"},
		"a slip of the tool":    {"up/delete_file --uses", "up/delete_fiel --uses", `did you mean "up/delete_file"?`},
		"a slip of a principal": {"--token", "--token --principal alcie", `did you mean "alice"?`},
		"no token":              {" --token", "", "reply-soon.json"},
		"less time passes":      {"later 6m", "later 4m", "nothing reaches the server"},
		"the control is late":   {"later 4m", "later 7m", "case.txtar:40: control-person-late"},
		"nothing was asked":     {"restart --policy policy-new.yaml", "restart --policy policy-new.yaml\nlater 24h\napprove", "no request waits for a person"},
		"no grant was made":     {"grant --tool up/delete_file", "revoke\ngrant --tool up/delete_file", "no grant was made before"},
		"it stays frozen":       {"unfreeze --tool up/delete_file", "later 1m", "freeze_active"},
		"it was not frozen":     {"unfreeze --tool up/delete_file", "unfreeze --all", "there is no freeze of exactly everything"},
		"another order":         {"grant_created\nfreeze_set\n", "freeze_set\ngrant_created\n", "the event grant_created here"},
		"another session's":     {"case-2", "case", "record-last.json /session"},
		"another dry run":       {"{\"dry_run\": true}}\n-- decision", "{\"dry_run\": false}}\n-- decision", "dry-run-forwarded-asks.json /arguments/dry_run"},
		"no dry run is named":   {"dry_run: {argument: dry_run}}]\n-- policy-new", "}]\n-- policy-new", "the door makes a dry run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(withPeople, c.old, c.now, 1)
			if text == withPeople {
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
	t.Parallel()
	mute := strings.Replace(good, "threat:", "delay: 1m\ntimeout: 1s\nthreat:", 1)
	mute = strings.ReplaceAll(mute, "policy.yaml --\n", "policy.yaml --\nlimits: {shutdown: 100ms}\n")
	r, err := runText(t, mute)
	if err != nil || r.OK() || !strings.Contains(r.String(), "no answer came in time") {
		t.Errorf("%v\n%v", err, r)
	}
}

// withBack is a case about what comes back.
const withBack = `threat: a key in a result

-- control-policy.yaml --
redact: {dangerously_unredacted: ["*"]}
-- tools.json --
[{"name": "read_file", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object"}}]
-- call.json --
{"name": "read_file", "arguments": {}}
-- reply.json --
{"content": [{"type": "text", "text": "the notes say ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"}]}
-- comes-back --
the notes say
[REDACTED:github-pat]
-- stays-back --
ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R
`

// TestNothingBackPassesVacuously changes one thing of what comes back, or of its
// guard, at a time.
func TestNothingBackPassesVacuously(t *testing.T) {
	t.Parallel()
	if r, err := runText(t, withBack); err != nil || !r.OK() {
		t.Fatalf("the case itself: %v\n%v", err, r)
	}
	for name, c := range map[string]struct{ old, now, want string }{
		"another text":         {"the notes say\n[", "the news say\n[", "case.txtar:12: comes-back"},
		"another rule":         {"[REDACTED:github-pat]", "[REDACTED:jwt]", "case.txtar:13: comes-back"},
		"nothing is redacted":  {"-- control-policy.yaml --", "-- policy.yaml --\nredact: {dangerously_unredacted: [\"*\"]}\n-- control-policy.yaml --", "this does not come back"},
		"it was never there":   {"say ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R", "say [REDACTED:github-pat]", "without the guard this comes back"},
		"the guard stays":      {`redact: {dangerously_unredacted: ["*"]}`, "rules: []", "without the guard this comes back"},
		"the server says less": {"the notes say ghp", "ghp", "case.txtar:12: comes-back"},
		"the call is refused":  {`"annotations": {"readOnlyHint": true}, `, "", "comes-back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(withBack, c.old, c.now, 1)
			if text == withBack {
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
