package config

import (
	"context"
	"time"

	ostiary "github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/freeze"
	"github.com/ostiary/ostiary/internal/visible"
	"github.com/ostiary/ostiary/internal/webhook"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/store"
)

// Anomaly says when calls are far more than usual.
type Anomaly struct {
	ostiary.AnomalyRule
	// Every is the time over which calls are counted.
	Every time.Duration
}

func defaultAnomaly() (a Anomaly) {
	a.AnomalyRule, a.Every = limit.DefaultAnomaly()
	return a
}

func anomalyKind() kind[Anomaly] {
	every := key("every", duration(time.Second, 24*time.Hour), func(a *Anomaly) *time.Duration { return &a.Every },
		"The time over which calls are counted. Default: `1m`.")
	return object("the anomalies", nil, nil, append(anomalyFields(func(a *Anomaly) *ostiary.AnomalyRule { return &a.AnomalyRule },
		" Default: `10`.", " Default: `100`."), every)...)
}

func anomalyRuleKind() kind[ostiary.AnomalyRule] {
	const general = " Default: as in `limits.anomaly`."
	return object("anomaly", nil, nil, anomalyFields(func(a *ostiary.AnomalyRule) *ostiary.AnomalyRule { return a }, general, general)...)
}

func anomalyFields[S any](at func(*S) *ostiary.AnomalyRule, times, least string) []field[S] {
	return []field[S]{
		key("times", integer(1, 1_000_000), func(s *S) *int { return &at(s).Times },
			"How many times what is usual for a principal and a tool is an anomaly."+times),
		key("least", integer(1, 1_000_000_000), func(s *S) *int { return &at(s).Least },
			"So many calls are none, however quiet it was."+least),
		key("freeze", boolean(), func(s *S) *bool { return &at(s).Freeze },
			"`true`: the principal is frozen then, until somebody lifts it. Default: `false`, which only tells of it."),
	}
}

// newAnomalies watches how often calls come. The webhook of the approvals is told.
func (f *File) newAnomalies(w Wiring, s *store.SQLite, log *audit.Log, m *masks) (*limit.Anomalies, error) {
	desk := freeze.NewDesk(freeze.DeskOptions{Store: s, Journal: log, Clock: w.Now})
	o := limit.AnomalyOptions{
		AnomalyRule: f.Limits.Anomaly.AnomalyRule, Every: f.Limits.Anomaly.Every, Clock: w.LimitClock,
		Journal: log, Logger: w.Log, Redact: m.redactor.ShownText, Observe: w.OnAnomaly, Now: w.Now,
		Stop: func(ctx context.Context, a limit.Anomaly) error {
			_, err := desk.Freeze(ctx, freeze.Scope{Principal: a.Principal}, false, freeze.Who{Name: "ostiary", Channel: "gateway"},
				visible.Line("anomaly: "+a.String(), 500))
			return err
		},
	}
	if hook := f.Approvals.Webhook; hook != nil {
		client, err := hook.client(w)
		if err != nil {
			return nil, err
		}
		if o.Webhook, err = webhook.New(webhook.Options{URL: hook.URL, Secret: []byte(hook.Secret), Client: client, Clock: w.Now, Rand: w.Rand, Logger: w.Log}); err != nil {
			return nil, err
		}
	}
	return limit.NewAnomalies(o)
}
