package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/wire"
)

// wayOut is what everything costs that a result passes under the defaults (bound,
// redact, cut, detect, mark), in one goroutine.
type wayOut struct {
	Name string
	// Bytes are those of the results, Found the secrets in them.
	Texts, Bytes, Found int
	MBs, Micros         float64 // Micros are those of one result, on average
	Gitleaks            float64 // 10⁶ bytes a second, of the texts alone
}

// measureWayOut drives the filters of a house that an empty file builds. answers are
// those of real servers.
func measureWayOut(o options, reference *detect.Detector, answers []specimen) (all []wayOut, err error) {
	f, err := config.Parse("defaults.yaml", []byte("version: 1\n"), config.Options{})
	if err != nil {
		return nil, err
	}
	state := filepath.Join(o.scratch, "state-wayout")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	w, err := wiring(state, benchAgent)
	if err != nil {
		return nil, err
	}
	h, err := f.Build(w)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	secret := "\ntoken: ghp_zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8fK4e\n"
	var real []string
	for _, s := range answers {
		if !s.Definition {
			real = append(real, s.Texts...)
		}
	}
	type row struct {
		name   string
		rounds int
		texts  []string
	}
	rows := []row{
		{"ordinary output", 40, []string{ordinaryOutput(10 << 10)}},
		{"ordinary output", 40, []string{ordinaryOutput(900 << 10)}},
		{"one secret in it", 40, []string{ordinaryOutput(5<<10) + secret + ordinaryOutput(5<<10)}},
		{"one secret in it", 40, []string{ordinaryOutput(450<<10) + secret + ordinaryOutput(450<<10)}},
	}
	if len(real) > 0 { // else they are not installed, which was said
		rows = append(rows, row{"answers of the npm servers, each by itself", 5, real},
			row{"the first 900 KB of them as one", 5, []string{first(strings.Join(real, "\n"), 900<<10)}})
	}
	for _, t := range rows {
		m := wayOut{Name: t.name, Texts: len(t.texts)}
		theirs, size := 0.0, 0
		for _, text := range t.texts {
			body := []byte(`{"content":[{"type":"text","text":` + string(wire.Quote(text)) + `}]}`)
			best, reads := 0.0, 0.0
			var r *ostiary.Result
			for range t.rounds * o.rounds {
				c := &ostiary.Call{ID: "bench", Method: "tools/call", Class: ostiary.ClassTool, Upstream: "bench", Target: "read", Rule: &ostiary.Rule{}}
				r = &ostiary.Result{Status: ostiary.StatusOK, Body: body}
				var failed error
				best = max(best, rate(len(body), func() { failed = h.Line.Treat(context.Background(), c, r) }))
				if failed != nil {
					return nil, failed
				}
			}
			for range o.rounds {
				reads = max(reads, rate(len(text), func() { reference.DetectString(text) }))
			}
			m.Bytes += len(body)
			m.Micros += float64(len(body)) / best
			theirs += float64(len(text)) / reads
			size += len(text)
			for _, f := range r.Findings {
				if f.Stage == "redact" {
					m.Found++
				}
			}
		}
		m.MBs, m.Micros = float64(m.Bytes)/m.Micros, m.Micros/float64(m.Texts)
		m.Gitleaks = float64(size) / theirs
		all = append(all, m)
	}
	return all, nil
}

// first is the beginning of a text.
func first(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }
