package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/limit"
	"github.com/ostiary/ostiary/redact"
	"github.com/ostiary/ostiary/telemetry"
)

// lastPush is how long the end of the program waits for a collector.
const lastPush = 3 * time.Second

// monitoring is the telemetry of this process; the zero value is none.
type monitoring struct{ told *telemetry.Telemetry }

// monitor begins to count where the file or the command line asks for it, and makes
// it the observer of the house that is built with w.
func monitor(file *config.File, w *config.Wiring, scraped bool) (monitoring, error) {
	t, err := file.NewTelemetry(version, scraped, w.Now, w.Log)
	if err != nil || t == nil {
		return monitoring{}, err
	}
	w.Observer = t
	w.OnAnomaly = func(a limit.Anomaly) { t.Anomaly(a.Upstream) }
	// What the library has to say about itself goes where everything else goes.
	log := w.Log
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { log.Warn("telemetry: a measurement failed; calls are not affected") }))
	return monitoring{t}, nil
}

// watch hands over what only the house and the endpoints know.
func (m monitoring) watch(house *config.House, w config.Wiring, sessions func() map[string]int, available func() map[string]bool) error {
	if m.told == nil {
		return nil
	}
	return house.Watched(m.told, w.Now, sessions, available)
}

func (m monitoring) handler() http.Handler {
	if m.told == nil {
		return nil
	}
	return m.told.Handler()
}

// traceparent is how calls are traced on to servers; nil where nothing is traced.
func (m monitoring) traceparent() func(*ostiary.Call) (string, bool) {
	if m.told == nil {
		return nil
	}
	return m.told.Traceparent
}

func (m monitoring) close() error {
	if m.told == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastPush)
	defer cancel()
	return m.told.Close(ctx)
}

// journal is the program's own log, which is no evidence. What is known to be secret
// is masked in it, as soon as that is known.
type journal struct {
	redactor atomic.Pointer[redact.Redactor]
}

func (j *journal) logger(to io.Writer, format string, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: j.mask}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}

func (j *journal) mask(_ []string, a slog.Attr) slog.Attr {
	r := j.redactor.Load()
	if r == nil {
		return a
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(r.Text(v.String()))
	case slog.KindAny:
		if _, isLevel := v.Any().(slog.Level); !isLevel {
			a.Value = slog.StringValue(r.Text(v.String()))
		}
	}
	return a
}
