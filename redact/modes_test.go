package redact

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

func rule(o ostiary.OutputRule) func(*ostiary.Call) {
	return func(c *ostiary.Call) { c.Rule = &ostiary.Rule{Output: o} }
}

func TestModes(t *testing.T) {
	body := text("the " + acme + " and the " + github)
	modes := func(m map[string]string) func(*FilterOptions) { return func(o *FilterOptions) { o.Modes = m } }
	for name, c := range map[string]struct {
		modes   map[string]string
		rule    string
		want    string
		actions string
		err     ostiary.Code
	}{
		"default":  {nil, "", text("the [REDACTED:acme-key] and the [REDACTED:github-pat]"), "redacted redacted", ""},
		"report":   {map[string]string{"acme-key": ModeReport}, "", text("the " + acme + " and the [REDACTED:github-pat]"), "reported redacted", ""},
		"off":      {map[string]string{"acme-key": ModeOff}, "", text("the " + acme + " and the [REDACTED:github-pat]"), "redacted", ""},
		"block":    {map[string]string{"github-pat": ModeBlock}, "", body, "redacted blocked", ostiary.CodeRedactSecret},
		"override": {map[string]string{"github-pat": ModeBlock}, ModeReport, body, "reported reported", ""},
		"stricter": {nil, ModeBlock, body, "blocked blocked", ostiary.CodeRedactSecret},
	} {
		got, r, err := apply(t, filter(t, modes(c.modes)), body, rule(ostiary.OutputRule{Secrets: c.rule}))
		var actions []string
		for _, f := range r.Findings {
			actions = append(actions, f.Action)
		}
		if strings.Join(actions, " ") != c.actions || got != c.want || (c.err != "") != errors.Is(err, c.err) {
			t.Errorf("%s: %s, %v, %v", name, got, actions, err)
		}
		if err != nil && (strings.Contains(err.Error(), acme) || strings.Contains(err.Error(), github)) {
			t.Errorf("%s: the error tells it: %v", name, err)
		}
	}
	for _, bad := range []map[string]string{{"github-pat": "hide"}, {"github-password": ModeBlock}} {
		e, _ := testEngine()
		if _, err := NewFilter(FilterOptions{Engine: e, Key: make([]byte, 32), Modes: bad}); !errors.Is(err, ostiary.CodeConfigInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := NewFilter(FilterOptions{}); !errors.Is(err, ostiary.CodeConfigInvalid) {
		t.Error(err)
	}
}

func TestFindings(t *testing.T) {
	body := `{"a":[{"text":"x é ` + acme + `"},"` + acme + `"]}`
	_, r, err := apply(t, filter(t), body)
	if err != nil || r.Found != 2 {
		t.Fatal(r.Findings, err)
	}
	first, second := r.Findings[0], r.Findings[1]
	value := first.Value
	first.Value = ""
	if want := (ostiary.Finding{Stage: "redact", Rule: "acme-key", Pointer: "/a/0/text", Start: 5, End: 5 + len(acme), Action: "redacted"}); first != want {
		t.Errorf("got %v, want %v", first, want)
	}
	if second.Pointer != "/a/1" || second.Value != value || len(value) != 32 || strings.Contains(acme, value) {
		t.Errorf("got %v and %s", second, value)
	}
	_, r, _ = apply(t, filter(t, func(o *FilterOptions) { o.Key = []byte("another key of some length") }), body)
	if r.Findings[0].Value == value {
		t.Error("the hash does not depend on the key")
	}
	// A pointer does not tell a key that is a secret.
	_, r, _ = apply(t, filter(t), `{"`+github+`":{"b":"`+acme+`"}}`)
	for _, f := range r.Findings {
		if strings.Contains(f.Pointer, github) {
			t.Error(f)
		}
	}
}

func TestExceptionOnTheWay(t *testing.T) {
	var asked []string
	f := filter(t, func(o *FilterOptions) {
		o.Allowed = func(upstream, tool, pointer, rule, value string) bool {
			asked = append(asked, strings.Join([]string{upstream, tool, pointer, rule}, " "))
			return pointer == "/content/0/text" && rule == "acme-key"
		}
	})
	got, r, err := apply(t, f, text(acme+" "+github), rule(ostiary.OutputRule{Secrets: ModeBlock}))
	if !errors.Is(err, ostiary.CodeRedactSecret) || r.Findings[0].Action != "excepted" || r.Findings[1].Action != "blocked" {
		t.Error(got, r.Findings, err)
	}
	if got, r, err = apply(t, f, text(acme+" "+github)); err != nil || got != text(acme+" [REDACTED:github-pat]") || r.Found != 2 {
		t.Error(got, r.Findings, err)
	}
	if !slices.Contains(asked, "files read /content/0/text acme-key") {
		t.Error(asked)
	}
}

func TestBound(t *testing.T) {
	words := strings.Repeat("many words é ", 1000)
	small := func(o *FilterOptions) { o.MaxResult = 1000 }
	note := "bytes were left out here, because the limit is 1000"
	for name, c := range map[string]struct {
		body     string
		has, not string
		method   string
		status   ostiary.Status
	}{
		"text":       {body: text(words), has: note},
		"several":    {body: `{"content":[{"type":"text","text":"` + words[:700] + `"},{"type":"text","text":"` + words[:700] + `"},{"type":"text","text":"end"}]}`, has: note, not: "end"},
		"escapes":    {body: `{"contents":[{"text":"` + strings.Repeat(`\ud83d\ude00`, 1000) + `"}]}`, has: note},
		"before":     {body: text(strings.Repeat("x", 850) + " " + acme + strings.Repeat(" y", 800)), has: note, not: acme[:9]},
		"no image":   {body: `{"content":[{"type":"image","data":"` + strings.Repeat("QUJD", 1000) + `"}]}`, has: `QUJD"}`},
		"no list":    {body: `{"tools":[{"name":"a","description":"` + words + `"}]}`, method: "tools/list", has: words},
		"error":      {body: `{"code":1,"message":"` + words + `"}`, status: ostiary.StatusRPCError, has: note},
		"error data": {body: `{"code":1,"message":"m","data":["` + words + `"]}`, status: ostiary.StatusRPCError, has: note},
		"log":        {body: `{"level":"info","data":"` + words + `"}`, method: "notifications/message", has: note},
		"log data":   {body: `{"level":"info","data":{"a":"` + words + `"}}`, method: "notifications/message", has: note},
		"structured": {body: `{"content":[{"type":"text","text":"ok"}],"structuredContent":{"a":"` + words + `"},"x":1}`, has: `"x":1`, not: "many"},
	} {
		f := filter(t, small)
		call := func(k *ostiary.Call) {
			if c.method != "" {
				k.Method = c.method
			}
		}
		k := &ostiary.Call{ID: "c1", Method: "tools/call", Class: ostiary.ClassTool}
		call(k)
		r := &ostiary.Result{Status: c.status, Body: []byte(c.body), Text: "old"}
		if c.status == 0 {
			r.Status = ostiary.StatusOK
		}
		if err := f.Apply(t.Context(), k, r); err != nil {
			t.Fatal(err)
		}
		got := string(r.Body)
		if !json.Valid(r.Body) || !strings.Contains(got, c.has) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %.300s\nbecame %s", name, c.body, got)
		}
		if got != c.body && (len(got) > 1500 || r.Text == "old") {
			t.Errorf("%s: %d bytes are left, text %q", name, len(got), r.Text)
		}
		if (got == c.body) != (r.Found == 0) {
			t.Errorf("%s: found %v", name, r.Findings)
		}
		r.Body = []byte(got)
		if err := f.Apply(t.Context(), k, r); err != nil || string(r.Body) != got {
			t.Errorf("%s: %s\nthen %s", name, got, r.Body)
		}
	}
	if got, _, _ := apply(t, filter(t), text(words), rule(ostiary.OutputRule{MaxBytes: 1000})); !strings.Contains(got, note) {
		t.Error("the rule's own bound does not hold")
	}
}

func TestOutputSchema(t *testing.T) {
	body := `{"content":[{"type":"text","text":"ok"}],"structuredContent":{"key":"` + acme + `"},"_meta":{"a":1}}`
	schema := func(c *ostiary.Call) { c.OutputSchema = []byte(`{"properties":{"key":{"maxLength":5}}}`) }
	fits := func(yes bool) func(*FilterOptions) {
		return func(o *FilterOptions) {
			o.Conforms = func(_, content []byte) bool { return yes && json.Valid(content) }
		}
	}
	withheld := `{"isError":true,"content":[{"type":"text","text":"[ostiary: structured content was left out: a secret in it was redacted, and what was left does not fit the tool's output schema. ` +
		`The call itself was carried out; do not repeat it for this.]"},{"type":"text","text":"ok"}],"_meta":{"ostiary/withheld":{"structuredContent":"redact_schema"},"a":1}}`
	redacted := strings.Replace(body, acme, "[REDACTED:acme-key]", 1)
	for name, c := range map[string]struct {
		change func(*FilterOptions)
		call   func(*ostiary.Call)
		want   string
	}{
		"fits":       {fits(true), schema, redacted},
		"does not":   {fits(false), schema, withheld},
		"nobody can": {func(*FilterOptions) {}, schema, withheld},
		"no schema":  {fits(false), func(*ostiary.Call) {}, redacted},
	} {
		got, _, err := apply(t, filter(t, c.change), body, c.call)
		if err != nil || got != c.want {
			t.Errorf("%s: %s\nwant %s, %v", name, got, c.want, err)
		}
		if again, _, _ := apply(t, filter(t, c.change), got, c.call); again != got {
			t.Errorf("%s: then %s", name, again)
		}
	}
	// What was not changed is not judged, and what has no structured content is left.
	for _, body := range []string{strings.Replace(body, acme, "no secret", 1), text(acme)} {
		if got, _, _ := apply(t, filter(t), body, schema); strings.Contains(got, "left out") {
			t.Error(got)
		}
	}
}

// TestOutputSchemaOfTask: what a task's answer holds is held to the schema as the result
// of its tool is, and to the bound; the same member in any other answer says nothing.
func TestOutputSchemaOfTask(t *testing.T) {
	const words = "many words "
	task := func(value string) string {
		return `{"resultType":"complete","taskId":"7","status":"completed","result":{"content":[{"type":"text","text":"ok"}],"structuredContent":{"text":"` + value + `"}}}`
	}
	said := func(what, code string) string {
		return `{"resultType":"complete","taskId":"7","status":"completed","result":{"isError":true,"_meta":{"ostiary/withheld":{"structuredContent":"` + code + `"}},` +
			`"content":[{"type":"text","text":"[ostiary: structured content was left out: ` + what + `. The call itself was carried out; do not repeat it for this.]"},{"type":"text","text":"ok"}]}}`
	}
	redacted, long := task("[REDACTED:acme-key]"), task(strings.Repeat(words, 100))
	broken := said("a secret in it was redacted, and what was left does not fit the tool's output schema", "redact_schema")
	for name, c := range map[string]struct {
		method, body string
		fits         bool
		want         string
	}{
		"get":            {"tasks/get", task(acme), false, broken},
		"fits":           {"tasks/get", task(acme), true, redacted},
		"notification":   {"notifications/tasks", task(acme), false, broken},
		"unchanged":      {"tasks/get", task("no secret"), false, task("no secret")},
		"no task":        {"tools/call", task(acme), false, redacted},
		"no object":      {"tasks/get", `{"result":"` + acme + `"}`, false, `{"result":"[REDACTED:acme-key]"}`},
		"too long":       {"tasks/get", long, true, said("it has 1111 bytes, and the limit is 1000", "limit_size")},
		"not by itself":  {"tasks/get", `{"result":{"structuredContent":{"text":"` + words + `"}},"statusMessage":"` + strings.Repeat("x", 1000) + `"}`, true, ""},
		"texts together": {"tasks/get", `{"result":{"content":[{"text":"` + strings.Repeat(words, 60) + `"}],"structuredContent":{"text":"` + strings.Repeat(words, 60) + `"}}}`, true, ""},
	} {
		if c.want == "" {
			c.want = c.body
		}
		f := filter(t, func(o *FilterOptions) {
			o.MaxResult = 1000
			o.Conforms = func(_, _ []byte) bool { return c.fits }
		})
		of := func(k *ostiary.Call) { k.Method, k.OutputSchema = c.method, []byte(`{}`) }
		got, r, err := apply(t, f, c.body, of)
		if err != nil || got != c.want {
			t.Errorf("%s: %s\nwant %s, %v", name, got, c.want, err)
		}
		if last := r.Findings[max(0, len(r.Findings)-1):]; strings.Contains(c.want, "left out") && last[0].Pointer != "/result/structuredContent" {
			t.Errorf("%s: %v", name, last)
		}
		if again, _, _ := apply(t, f, got, of); again != got {
			t.Errorf("%s: then %s", name, again)
		}
	}
}

func TestMember(t *testing.T) {
	for _, c := range []struct{ body, name, found, without, with string }{
		{`{"a":1,"b":[2, "x"] ,"c":{"a":3}}`, "a", `1`, `{"b":[2, "x"] ,"c":{"a":3}}`, `{"a":0,"b":[2, "x"] ,"c":{"a":3}}`},
		{`{"a":1,"b":[2, "x"] ,"c":{"a":3}}`, "b", `[2, "x"]`, `{"a":1,"c":{"a":3}}`, `{"a":1,"b":0 ,"c":{"a":3}}`},
		{`{"a":1 , "c" : {"a":3} }`, "c", `{"a":3}`, `{"a":1  }`, `{"a":1 , "c" : 0 }`},
		{` { "\u0061" : "}" } `, "a", `"}"`, ` {  } `, ` { "\u0061" : 0 } `},
		{`{}`, "a", "", `{}`, `{"a":0}`},
		{`{"b":{"a":1}}`, "a", "", `{"b":{"a":1}}`, `{"a":0,"b":{"a":1}}`},
		{`[1]`, "a", "", `[1]`, `[1]`},
	} {
		m, ok := member([]byte(c.body), c.name)
		if ok != (c.found != "") || ok && c.body[m.value:m.end] != c.found {
			t.Errorf("%s: %v %v", c.body, m, ok)
		}
		if got := string(without([]byte(c.body), c.name)); got != c.without {
			t.Errorf("%s without: %s", c.body, got)
		}
		if got := string(with([]byte(c.body), c.name, []byte("0"))); got != c.with {
			t.Errorf("%s with: %s", c.body, got)
		}
	}
}
