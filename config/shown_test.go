package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/store"
)

// awsKey has the shape of an access key and is none.
func awsKey() string {
	key := []byte("AKIA")
	for range 16 {
		key = append(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[rand.N(32)])
	}
	return string(key)
}

// TestASecretInAPreviewReachesNobody: the key of a file that a call changes
// elsewhere is part of the difference, and neither the person's card nor the
// webhook nor anything in the state directory gets it.
func TestASecretInAPreviewReachesNobody(t *testing.T) {
	key := awsKey()
	var posted bytes.Buffer
	done := make(chan struct{}, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = posted.ReadFrom(r.Body)
		select {
		case done <- struct{}{}:
		default:
		}
	}))
	defer hook.Close()
	dir, path := write(t, "approvals: {wait: 0s, notify: none}\n"+
		"rules: [{tool: up/do, effect: write, approve: {}, args: {/path: {path: ws}}, preview: {write: {path: path, content: content}}}]\n")
	file, state := filepath.Join(dir, "ws", "deploy.env"), filepath.Join(dir, "state")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.Mkdir(state, 0o700),
		os.WriteFile(file, []byte("region=eu\nkey="+key+"\nstage=test\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path, Options{Home: "/home/me"})
	if err != nil {
		t.Fatal(err)
	}
	w := Wiring{
		State: state, Program: os.Args[0], Home: "/home/me", User: "me", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		WorkingDir: func(string) string { return filepath.Join(dir, "ws") },
	}
	arguments, err := json.Marshal(map[string]any{"path": "deploy.env", "content": "region=eu\nstage=live\n"})
	if err != nil {
		t.Fatal(err)
	}
	schema := []byte(`{"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}}`)
	asked := func(p *policy.Policy) *ostiary.Call {
		book, problems := p.Compile("up", []ostiary.Tool{{Upstream: "up", Name: "do", InputSchema: schema}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		rule := book.Tool("do")
		return &ostiary.Call{
			ID: "call-1", Received: time.Now(), Principal: ostiary.Principal{ID: "me"}, Session: "s", Upstream: "up", Method: "tools/call",
			Class: ostiary.ClassTool, Target: "do", Rule: rule, Effect: rule.Effect, Arguments: arguments, Digest: sha256.Sum256(arguments),
			Args: map[string]any{"path": "deploy.env", "content": "region=eu\nstage=live\n"}, InputSchema: schema,
		}
	}
	bare, err := f.NewPolicy(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := asked(bare).Rule.Preview(t.Context(), asked(bare)); err != nil || !strings.Contains(p.Text, key) {
		t.Fatalf("control: the difference shows no key without the redactor: %v, %v", p, err)
	}

	house, err := f.Build(w)
	if err != nil {
		t.Fatal(err)
	}
	// The webhook is told of the same request that the store keeps.
	notifier, err := approval.NewWebhook(approval.WebhookOptions{
		URL: hook.URL, Secret: []byte(strings.Repeat("s", 32)), Redact: func(s string) string { return s }, Arguments: true,
		Client: hook.Client(), Logger: w.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	call := asked(house.Policy)
	call.Definition = sees(t, house, "do")
	if _, d := house.Line.Do(t.Context(), call, nil); d.Code != ostiary.CodeApprovalPending {
		t.Fatalf("nobody was asked: %+v", d)
	}
	if err := house.Close(); err != nil {
		t.Fatal(err)
	}

	request := theRequest(t, state)
	if err := notifier.Notify(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	<-done
	card := approval.Card(request)
	if !strings.Contains(card, "+stage=live") || !strings.Contains(card, "-key=[REDACTED:") {
		t.Errorf("the card shows no difference:\n%s", card)
	}
	raw, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"card": card, "webhook": posted.String(), "--json": string(raw)} {
		if strings.Contains(text, key) {
			t.Errorf("%s: %s", name, text)
		}
	}
	kept := 0
	if err := filepath.WalkDir(state, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(at)
		if err == nil && bytes.Contains(data, []byte(key)) {
			t.Errorf("%s holds the key", d.Name())
		}
		if bytes.Contains(data, []byte("stage=live")) {
			kept++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if kept == 0 {
		t.Error("control: nothing of the call is found in the state directory")
	}
}

// theRequest is the only request in a state directory.
func theRequest(t *testing.T, state string) approval.Request {
	t.Helper()
	s, err := store.Open(store.Options{Dir: state})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log, err := audit.Open(audit.Options{
		Dir: state, Logger: slog.New(slog.DiscardHandler),
		Redact: func(*ostiary.Call) []byte { return nil }, RedactText: func(s string) string { return s },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	desk, err := approval.NewDesk(approval.DeskOptions{Store: s, Journal: log})
	if err != nil {
		t.Fatal(err)
	}
	all, err := desk.List(t.Context(), approval.Filter{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d requests, %v", len(all), err)
	}
	r, err := desk.Get(t.Context(), all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTextsHideWhatTheArgumentsHide: what a dry run repeats of an argument is as
// secret as the argument.
func TestTextsHideWhatTheArgumentsHide(t *testing.T) {
	r, err := redact.New(redact.Options{Known: []string{"configured-credential"}})
	if err != nil {
		t.Fatal(err)
	}
	m := &masks{redactor: r}
	key := awsKey()
	c := &ostiary.Call{
		InputSchema: []byte(`{"type": "object", "properties": {"answer": {"type": "string", "format": "password"}, "to": {"type": "string"}}}`),
		Arguments:   []byte(`{"answer": "first line\nhunter2-and-more", "to": "bob", "login": {"password": ["correct-horse", 123456789]}}`),
		Args: map[string]any{
			"answer": "first line\nhunter2-and-more", "to": "bob",
			"login": map[string]any{"password": []any{"correct-horse", json.Number("123456789")}},
		},
	}
	for text, want := range map[string]string{
		"plain, for bob":                     "plain, for bob",
		"would send " + key:                  "would send [REDACTED:aws-key]",
		"with configured-credential":         "with [REDACTED:known]",
		"+first line\n+hunter2-and-more\n":   "+[REDACTED:key]\n+[REDACTED:key]\n",
		"correct-horse and 123456789":        "[REDACTED:key] and [REDACTED:key]",
		`{"password": "other", "n": 1}`:      `{"password": "[REDACTED:key]", "n": 1}`,
		fmt.Sprintf(`[%q, {"a": "b"}]`, key): `["[REDACTED:aws-key]", {"a": "b"}]`,
	} {
		if got := m.shown(c, text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
