package limit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/internal/webhook"
)

const (
	alertQueue = 256             // anomalies that wait to be told
	alertTime  = 2 * time.Minute // for the webhook, with its repetitions
	alertPosts = 16              // deliveries at once
	shownName  = 100
)

// alerts tells of anomalies in the background, so that no call waits for it.
type alerts struct {
	o      *AnomalyOptions
	queue  chan Anomaly
	life   context.Context
	end    context.CancelFunc
	done   sync.WaitGroup
	posts  chan struct{}
	closed sync.Once

	mu     sync.Mutex
	over   bool
	missed int
}

func (t *alerts) start(o *AnomalyOptions) {
	t.o, t.queue, t.posts = o, make(chan Anomaly, alertQueue), make(chan struct{}, alertPosts)
	t.life, t.end = context.WithCancel(context.Background())
	t.done.Go(func() {
		for f := range t.queue {
			t.tell(f)
		}
	})
}

// raise hands an anomaly over and waits for nothing.
func (t *alerts) raise(f Anomaly) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	select {
	case t.queue <- f:
	default:
		t.missed++
	}
}

// Close ends what is being told. Anomalies that were found before are in the
// evidence when it returns.
func (t *alerts) Close() {
	t.closed.Do(func() {
		t.mu.Lock()
		t.over = true
		close(t.queue)
		t.mu.Unlock()
		t.end()
		t.done.Wait()
	})
}

// tell puts one anomaly wherever somebody looks: the evidence first.
func (t *alerts) tell(f Anomaly) {
	t.mu.Lock()
	missed := t.missed
	t.missed = 0
	t.mu.Unlock()
	e := ostiary.Event{
		Name: "anomaly_raised", Subject: f.Call, Call: f.Call, Principal: f.Principal, Session: f.Session, Upstream: f.Upstream, Target: f.Target,
		By: "ostiary", Channel: "gateway", Reason: f.String(),
	}
	if f.Frozen {
		e.Detail = "the principal was frozen"
	}
	if missed > 0 {
		e.Detail = fmt.Sprintf("%d more anomalies were found and not told one by one", missed)
	}
	if err := t.o.Journal.Note(e); err != nil {
		t.o.Logger.Error("an anomaly was not recorded", "principal", f.Principal, "err", err)
	}
	t.o.Logger.Warn("anomaly: far more calls than usual", "principal", f.Principal, "upstream", f.Upstream, "tool", f.Target,
		"calls", f.Count, "usual", f.Usual, "every", f.Every, "frozen", f.Frozen)
	if t.o.Observe != nil {
		t.o.Observe(f)
	}
	if t.o.Webhook == nil {
		return
	}
	select {
	case t.posts <- struct{}{}:
		t.done.Go(func() {
			defer func() { <-t.posts }()
			t.post(f)
		})
	default:
		t.o.Logger.Warn("the webhook was not told of an anomaly: too many are being delivered", "principal", f.Principal)
	}
}

func (t *alerts) post(f Anomaly) {
	now := t.o.Now()
	err := t.o.Webhook.Send(t.life, now.Add(alertTime), func(delivery string) ([]byte, error) { return t.body(f, delivery, now) }, "principal", f.Principal)
	if err != nil {
		t.o.Logger.Warn("the webhook was not told of an anomaly", "principal", f.Principal, "err", err)
	}
}

// alertMessage is the body of a delivery: what Slack and those who speak like it
// show, and the same for programs.
type alertMessage struct {
	Text   string    `json:"text"`
	Mrkdwn bool      `json:"mrkdwn"` // of Text; it is plain
	Data   alertBody `json:"ostiary"`
}

type alertBody struct {
	Event     string    `json:"event"` // anomaly_raised
	Delivery  string    `json:"delivery"`
	Call      string    `json:"call"`
	Principal string    `json:"principal"`
	Upstream  string    `json:"upstream"`
	Target    string    `json:"target"`
	Count     int64     `json:"count"`
	Usual     float64   `json:"usual"`
	Most      int64     `json:"most"`
	Seconds   float64   `json:"interval_seconds"`
	Frozen    bool      `json:"frozen"`
	Many      bool      `json:"many,omitempty"`
	Time      time.Time `json:"time"`
}

func (t *alerts) body(f Anomaly, delivery string, now time.Time) ([]byte, error) {
	line := func(s string) string { return visible.Line(t.o.Redact(s), shownName) }
	f.Principal, f.Upstream, f.Target = line(f.Principal), line(f.Upstream), line(f.Target)
	text := "Anomaly: " + f.Principal + ": " + f.String()
	if f.Frozen {
		text += ". The principal is frozen."
	}
	return json.Marshal(alertMessage{Text: webhook.Escape(text), Data: alertBody{
		Event: "anomaly_raised", Delivery: delivery, Call: f.Call, Principal: f.Principal, Upstream: f.Upstream, Target: f.Target,
		Count: f.Count, Usual: f.Usual, Most: f.Most, Seconds: f.Every.Seconds(), Frozen: f.Frozen, Many: f.Many, Time: now.UTC(),
	}})
}
