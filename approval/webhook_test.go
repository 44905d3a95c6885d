package approval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/ostiary/ostiary"
)

var webhookSecret = []byte("0123456789abcdef0123456789abcdef")

func webhookKeep(s string) string { return s }

// webhookReceiver is a real one: it verifies, drops what is forged, old or known, and
// answers the first requests with the statuses that it is given.
type webhookReceiver struct {
	mu       sync.Mutex
	now      func() time.Time
	statuses []int
	header   http.Header // of the answers
	ids      []string
	bodies   [][]byte
	headers  []string
	bad      []error
	known    map[string]bool
	accepted int
}

func (r *webhookReceiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	if err == nil {
		err = VerifySignature(webhookSecret, q.Header.Get("Ostiary-Signature"), body, r.now(), time.Minute)
	}
	var m struct{ Ostiary struct{ Delivery string } }
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err == nil && m.Ostiary.Delivery != q.Header.Get("Ostiary-Delivery") {
		err = errors.New("another delivery in the header than in the body")
	}
	r.bodies, r.ids = append(r.bodies, body), append(r.ids, m.Ostiary.Delivery)
	r.headers = append(r.headers, q.Header.Get("Ostiary-Signature"))
	if err != nil {
		r.bad = append(r.bad, err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	for k, v := range r.header {
		w.Header()[k] = v
	}
	if len(r.statuses) > 0 {
		s := r.statuses[0]
		r.statuses = r.statuses[1:]
		w.WriteHeader(s)
		return
	}
	if !r.known[m.Ostiary.Delivery] {
		r.accepted++
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[m.Ostiary.Delivery] = true
}

// webhookAt is a webhook whose time passes only while it pauses.
func webhookAt(t *testing.T, url string, o WebhookOptions) (*webhook, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	o.Client = &http.Client{}
	o.URL, o.Secret, o.Redact, o.Clock = url, webhookSecret, webhookKeep, func() time.Time { return now }
	if o.pause == nil {
		o.pause = func(_ context.Context, d time.Duration) error {
			now = now.Add(d)
			return nil
		}
	}
	n, err := NewWebhook(o)
	if err != nil {
		t.Fatal(err)
	}
	return n.(*webhook), &now
}

func webhookRequest(now time.Time) Request {
	return Request{
		ID: "06fxq2k8e9", State: Pending, Principal: "alice", Client: "agent", Upstream: "files", Method: "tools/call", Target: "delete_file",
		Effect: "destructive", Why: []string{"destructive effects ask a person"}, Created: now, Expires: now.Add(10 * time.Minute),
		Args: []byte(`{"path":"private/plan.txt"}`), Arguments: "d1ge57",
	}
}

func TestWebhookTriesUntilItIsAccepted(t *testing.T) {
	r := &webhookReceiver{statuses: []int{500, 429}, header: http.Header{"Retry-After": {"7"}}}
	s := httptest.NewServer(r)
	defer s.Close()
	w, now := webhookAt(t, s.URL, WebhookOptions{})
	r.now = func() time.Time { return *now }
	start := *now
	if err := w.Notify(t.Context(), webhookRequest(start)); err != nil {
		t.Fatal(err)
	}
	if len(r.bad) > 0 || len(r.ids) != 3 || r.accepted != 1 || r.ids[0] == "" || r.ids[0] != r.ids[2] || !bytes.Equal(r.bodies[0], r.bodies[2]) {
		t.Errorf("%v, deliveries %v, accepted %d", r.bad, r.ids, r.accepted)
	}
	if r.headers[0] == r.headers[2] {
		t.Error("the second try was not signed anew")
	}
	if waited := now.Sub(start); waited < 14*time.Second || waited > 16*time.Second {
		t.Errorf("it waited %v for two times Retry-After: 7", waited)
	}
	if err := w.Notify(t.Context(), webhookRequest(start)); err != nil || r.ids[3] == r.ids[0] {
		t.Errorf("another delivery has the id %q of the first, %v", r.ids[3], err)
	}
}

// What was sent once cannot be sent again, or changed, without being noticed.
func TestWebhookReplayAndTampering(t *testing.T) {
	r := &webhookReceiver{}
	s := httptest.NewServer(r)
	defer s.Close()
	w, now := webhookAt(t, s.URL, WebhookOptions{})
	r.now = func() time.Time { return *now }
	if err := w.Notify(t.Context(), webhookRequest(*now)); err != nil {
		t.Fatal(err)
	}
	again := func(header string, body []byte) int {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Ostiary-Signature", header)
		q.Header.Set("Ostiary-Delivery", r.ids[0])
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	header, body := r.headers[0], r.bodies[0]
	if code := again(header, body); code != 200 || r.accepted != 1 { // positive control; known by its id
		t.Errorf("a replay at once: %d, accepted %d", code, r.accepted)
	}
	for name, code := range map[string]int{
		"a changed body": again(header, bytes.Replace(body, []byte("delete_file"), []byte("delete_fil3"), 1)),
		"a changed time": again(strings.Replace(header, "t=1", "t=2", 1), body),
		"no signature":   again("", body),
	} {
		if code != http.StatusForbidden {
			t.Errorf("%s: %d", name, code)
		}
	}
	*now = now.Add(2 * time.Minute)
	if code := again(header, body); code != http.StatusForbidden {
		t.Errorf("a replay after the tolerance: %d", code)
	}
}

func TestWebhookGivesUp(t *testing.T) {
	many := make([]int, 100)
	for i := range many {
		many[i] = 503
	}
	for name, c := range map[string]struct {
		statuses    []int
		header      http.Header
		expires     time.Duration
		least, most int // deliveries
	}{
		"refused":            {[]int{400}, nil, time.Hour, 1, 1},
		"redirected":         {[]int{307}, http.Header{"Location": {"/elsewhere"}}, time.Hour, 1, 1},
		"expired while down": {many, nil, time.Minute, 5, 10},
		"down for long":      {many, nil, 24 * time.Hour, 20, 20},
		"told to wait long":  {many, http.Header{"Retry-After": {"3600"}}, 30 * time.Minute, 1, 1},
		"expired already":    {nil, nil, 0, 0, 0},
	} {
		r := &webhookReceiver{statuses: c.statuses, header: c.header}
		s := httptest.NewServer(r)
		w, now := webhookAt(t, s.URL, WebhookOptions{})
		r.now = func() time.Time { return *now }
		start, q := *now, webhookRequest(*now)
		q.Expires = now.Add(c.expires)
		err := w.Notify(t.Context(), q)
		s.Close()
		if err == nil || r.accepted > 0 || len(r.bad) > 0 {
			t.Errorf("%s: %v, accepted %d, %v", name, err, r.accepted, r.bad)
		}
		if n := len(r.ids); n < c.least || n > c.most {
			t.Errorf("%s: %d deliveries, want %d to %d", name, n, c.least, c.most)
		}
		if now.Sub(start) > c.expires {
			t.Errorf("%s: it went on for %v", name, now.Sub(start))
		}
	}
	// A receiver that is not there; its address may be a secret.
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	var said bytes.Buffer
	w, now := webhookAt(t, s.URL+"/T0/B0/hunter2", WebhookOptions{Logger: slog.New(slog.NewTextHandler(&said, nil))})
	q := webhookRequest(*now)
	q.Expires = now.Add(5 * time.Second)
	err := w.Notify(t.Context(), q)
	if !errors.Is(err, ostiary.CodeApprovalRequired) || strings.Contains(err.Error()+said.String(), "hunter2") || !strings.Contains(said.String(), "try=2") {
		t.Errorf("%v\n%s", err, said.String())
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	waits := func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() }
	if w, now := webhookAt(t, s.URL, WebhookOptions{pause: waits}); true {
		if err := w.Notify(ctx, webhookRequest(*now)); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of ctx: %v", err)
		}
	}
}

// Nothing of a request is markup, a mention or a control character for whoever
// shows the message, and what is long is cut.
func TestWebhookShowsHostileText(t *testing.T) {
	evil := "<!channel> <https://evil.example|Approve> & *b*\x1b[31m\u202e\u200b\U000e0041\n" + strings.Repeat("<", 1<<20)
	q := webhookRequest(time.Now())
	q.ID, q.Principal, q.Client, q.Session, q.Upstream, q.Method, q.Target, q.Effect = evil, evil, evil, evil, evil, evil, evil, evil
	q.Why, q.Warnings, q.Args = []string{evil, evil, evil, evil, evil, evil, evil}, []string{evil}, []byte(evil+"hunter2")
	for _, link := range []string{"", "https://door.example/approvals/"} {
		for _, arguments := range []bool{false, true} {
			w, _ := webhookAt(t, "https://chat.example/hook", WebhookOptions{Link: link, Arguments: arguments})
			b, err := w.body(&q, "d")
			if err != nil || len(b) > 64<<10 {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			var m slackMessage
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			if (m.Ostiary.Arguments != "") != arguments {
				t.Errorf("arguments %v: %q", arguments, m.Ostiary.Arguments)
			}
			shown := []slackText{{Text: m.Text}}
			for _, bl := range m.Blocks {
				if bl.Text != nil {
					shown = append(shown, *bl.Text)
				}
				for _, f := range bl.Fields {
					if len(f.Text) > 2000 {
						t.Errorf("a field of %d bytes", len(f.Text))
					}
					shown = append(shown, f)
				}
			}
			for _, s := range shown {
				text := s.Text
				if s.Type == "mrkdwn" {
					var ok bool
					if text, ok = strings.CutPrefix(text, "<https://door.example/approvals/"); !ok {
						t.Errorf("markup: %q", s.Text)
					}
					text = strings.Replace(text, "|Sign in to look and decide>", "", 1)
				}
				if strings.ContainsAny(text, "<>") || strings.Contains(strings.ReplaceAll(text, "&amp;lt;", ""), "&!") || len(text) > 3000 || m.Mrkdwn {
					t.Errorf("%d bytes: %q", len(text), text)
				}
			}
			var all any
			if err := json.Unmarshal(b, &all); err != nil {
				t.Fatal(err)
			}
			webhookUnusual(t, all)
		}
	}
	// Control: the text of a harmless request is there.
	w, now := webhookAt(t, "https://chat.example/hook", WebhookOptions{Link: "https://door.example/approvals/"})
	harmless := webhookRequest(*now)
	b, err := w.body(&harmless, "d")
	for _, want := range []string{"alice", "files/delete_file (destructive)", "destructive effects ask a person", "2026-11-21 12:10:00 UTC", "approvals/06fxq2k8e9", "d1ge57"} {
		if err != nil || !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s is not in %s, %v", want, b, err)
		}
	}
	if bytes.Contains(b, []byte("plan.txt")) {
		t.Error("the arguments were sent")
	}
}

// webhookUnusual looks at every text of a JSON value.
func webhookUnusual(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case string:
		for _, r := range v {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) {
				t.Errorf("%U in %.100q", r, v)
				return
			}
		}
	case []any:
		for _, e := range v {
			webhookUnusual(t, e)
		}
	case map[string]any:
		for _, e := range v {
			webhookUnusual(t, e)
		}
	}
}

func TestWebhookRedacts(t *testing.T) {
	w, now := webhookAt(t, "https://chat.example/hook", WebhookOptions{})
	w.redact = func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
	q := webhookRequest(*now)
	q.Target, q.Why = "file:///x?token=hunter2", []string{"hunter2"}
	b, err := w.body(&q, "d")
	if err != nil || bytes.Contains(b, []byte("hunter2")) || !bytes.Contains(b, []byte("token=[redacted]")) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestNewWebhookRefuses(t *testing.T) {
	good := WebhookOptions{URL: "https://chat.example/hook", Secret: webhookSecret, Redact: webhookKeep, Client: &http.Client{}}
	if _, err := NewWebhook(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*WebhookOptions){
		"nothing":         func(o *WebhookOptions) { *o = WebhookOptions{} },
		"no client":       func(o *WebhookOptions) { o.Client = nil },
		"no redaction":    func(o *WebhookOptions) { o.Redact = nil },
		"a short secret":  func(o *WebhookOptions) { o.Secret = o.Secret[:15] },
		"http":            func(o *WebhookOptions) { o.URL = "http://chat.example/hook" },
		"http near us":    func(o *WebhookOptions) { o.URL = "http://127.0.0.1.evil.example/" },
		"a file":          func(o *WebhookOptions) { o.URL = "file:///etc/passwd" },
		"no host":         func(o *WebhookOptions) { o.URL = "https:///hook" },
		"a user":          func(o *WebhookOptions) { o.URL = "https://me:hunter2@chat.example/" },
		"no URL":          func(o *WebhookOptions) { o.URL = "https://[::1" },
		"a link by http":  func(o *WebhookOptions) { o.Link = "http://door.example/" },
		"a link's markup": func(o *WebhookOptions) { o.Link = "https://door.example/|x>" },
	} {
		o := good
		change(&o)
		if n, err := NewWebhook(o); !errors.Is(err, ostiary.CodeConfigInvalid) || n != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
	for _, url := range []string{"http://127.0.0.1:8080/h", "http://[::1]/h", "http://localhost/h"} {
		o := good
		o.URL = url
		if _, err := NewWebhook(o); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
