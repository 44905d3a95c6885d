package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/approval"
	"github.com/ostiary/ostiary/egress"
	"github.com/ostiary/ostiary/telemetry"
)

// Telemetry is what the operator's monitoring is told.
type Telemetry struct {
	// Service names the door there.
	Service string
	// Sample is the share of calls that are traced.
	Sample float64
	// OTLP is where it is pushed to; nil is nowhere.
	OTLP *OTLP
}

// OTLP is a collector of OpenTelemetry's, over HTTP.
type OTLP struct {
	Endpoint string
	// Headers are interpolated.
	Headers             map[string]string
	NoTraces, NoMetrics bool
	Every               time.Duration
	AllowPrivate        []string
}

// What a collector answers is read to its end and hardly used.
const (
	otlpTimeout = 10 * time.Second
	otlpAnswer  = 64 << 10
)

func telemetryKind() kind[Telemetry] {
	return object("telemetry", nil, nil,
		key("service", text("a name"), func(t *Telemetry) *string { return &t.Service }, "The name of the door in traces and metrics, `service.name`. Default: `ostiary`."),
		key("sample", share(), func(t *Telemetry) *float64 { return &t.Sample },
			"The share of calls that are traced. A call whose own trace context says that it is not sampled never is; one that says that it is gets no more than the share. Default: `1`, all."),
		key("otlp", pointer(otlpKind()), func(t *Telemetry) **OTLP { return &t.OTLP },
			"The collector that traces and metrics are pushed to, by OpenTelemetry's protocol over HTTP. Default: none."),
	)
}

func otlpKind() kind[OTLP] {
	return object("a collector", nil, checkOTLP,
		must(key("endpoint", checked("a URL such as https://collector.example:4318", "^https?://", checkURL), func(o *OTLP) *string { return &o.Endpoint },
			"Its base; `/v1/traces` and `/v1/metrics` are below it. Plain `http` only without headers, or to this machine.")),
		key("headers", headers(), func(o *OTLP) *map[string]string { return &o.Headers },
			"Fields of the header of every request, such as `Authorization: \"Bearer ${file:PATH}\"`. `${env:NAME}` and `${file:PATH}` are replaced."),
		key("traces", not(boolean()), func(o *OTLP) *bool { return &o.NoTraces }, "Whether traces are pushed. Default: `true`."),
		key("metrics", not(boolean()), func(o *OTLP) *bool { return &o.NoMetrics }, "Whether metrics are pushed. Default: `true`."),
		key("every", duration(time.Second, time.Hour), func(o *OTLP) *time.Duration { return &o.Every }, "How often metrics are pushed. Default: `30s`."),
		key("allow_private", allowPrivate(), func(o *OTLP) *[]string { return &o.AllowPrivate }, allowPrivateDoc),
	)
}

// headers maps the names of fields to values that may be secret.
func headers() kind[map[string]string] {
	return texts("a header field", checkField, func(d *decoder, n ast.Node, _, v string) {
		if strings.ContainsAny(v, "\r\n\x00") {
			d.fail(n, "the value has a line break, which a header cannot carry: write it in one line")
		}
		if _, secret, ok := strings.Cut(v, " "); ok {
			d.noteSecret("CREDENTIAL_TOKEN", secret)
		}
		d.noteSecret("CREDENTIAL_TOKEN", v)
	})
}

// checkOTLP finds what can be known of a collector without the network.
func checkOTLP(d *decoder, at Pos, o *OTLP) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || o.Endpoint == "" {
		return // said already
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "":
		err = errors.New("the endpoint has a query or a fragment: give the URL below which /v1/traces is")
	case u.Scheme == "http" && len(o.Headers) > 0 && !loopback(u.Hostname()):
		err = errors.New("the headers would travel in the clear: use https")
	}
	if err == nil {
		var e *egress.Dialer
		if e, err = o.egress(nil); err == nil {
			if err = e.CheckURL(u); err != nil {
				err = fmt.Errorf("the collector cannot be reached: %s", messageOf(err))
			}
		}
	}
	if err != nil {
		d.failAt(at, "%s", err)
	}
}

func (o *OTLP) egress(now func() time.Time) (*egress.Dialer, error) {
	return egress.New(egress.Options{AllowPrivate: o.AllowPrivate, Timeout: otlpTimeout, Body: otlpAnswer, Clock: now})
}

// NewTelemetry begins to count, for a collector or because the metrics are read at
// the door (scraped); nil if neither is the case. Close it.
func (f *File) NewTelemetry(version string, scraped bool, now func() time.Time, log *slog.Logger) (*telemetry.Telemetry, error) {
	o := telemetry.Options{Service: f.Telemetry.Service, Version: version, Sample: f.Telemetry.Sample, Known: f.names, Scraped: scraped, Now: now, Log: log}
	if p := f.Telemetry.OTLP; p != nil && !(p.NoTraces && p.NoMetrics) {
		d, err := p.egress(now)
		if err != nil {
			return nil, err
		}
		o.Collector = &telemetry.Collector{URL: p.Endpoint, Headers: p.Headers, Client: d.Client(), Every: p.Every, NoTraces: p.NoTraces, NoMetrics: p.NoMetrics}
	}
	if o.Collector == nil && !scraped {
		return nil, nil
	}
	return telemetry.New(o)
}

// names reports whether the file names a principal.
func (f *File) names(principal string) bool {
	for _, p := range f.Principals {
		if p.Name == principal {
			return true
		}
	}
	for _, c := range f.Auth.Certificates {
		if c.Principal == principal {
			return true
		}
	}
	return false
}

// Watched hands what only the house knows to a telemetry, with the endpoints' part.
func (h *House) Watched(t *telemetry.Telemetry, now func() time.Time, sessions func() map[string]int, available func() map[string]bool) error {
	return t.Read(telemetry.Sources{
		Waiting:  func(ctx context.Context) (int, error) { return approval.Waiting(ctx, h.Store(), now()) },
		Sessions: sessions, Upstreams: available,
		Audit: h.Audit.Health,
	})
}

// Ready says why calls cannot be taken: the evidence cannot be written, or the store
// does not answer. The policy was compiled when the house was built.
func (h *House) Ready(ctx context.Context) error {
	if _, err := h.Audit.Health(); err != nil {
		return err
	}
	return h.Store().View(ctx, func(tx ostiary.Tx) error {
		_, err := tx.Get("ready", "ready")
		return err
	})
}
