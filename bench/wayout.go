package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/config"
	"github.com/ostiary/ostiary/wire"
)

// wayOut is what everything costs that a result passes under the defaults (bound,
// redact, cut, detect, mark), in one goroutine.
type wayOut struct {
	Name         string
	Bytes, Found int
	MBs, Micros  float64
	Gitleaks     float64 // 10⁶ bytes a second, of the text alone
}

// measureWayOut drives the filters of a house that an empty file builds.
func measureWayOut(o options, reference *detect.Detector) (all []wayOut, err error) {
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
	for _, t := range []struct{ name, text string }{
		{"ordinary output", ordinaryOutput(10 << 10)},
		{"ordinary output", ordinaryOutput(900 << 10)},
		{"one secret in it", ordinaryOutput(5<<10) + secret + ordinaryOutput(5<<10)},
		{"one secret in it", ordinaryOutput(450<<10) + secret + ordinaryOutput(450<<10)},
	} {
		body := []byte(`{"content":[{"type":"text","text":` + string(wire.Quote(t.text)) + `}]}`)
		m := wayOut{Name: t.name, Bytes: len(body)}
		for range 40 * o.rounds {
			c := &ostiary.Call{ID: "bench", Method: "tools/call", Class: ostiary.ClassTool, Upstream: "bench", Target: "read", Rule: &ostiary.Rule{}}
			r := &ostiary.Result{Status: ostiary.StatusOK, Body: body}
			var failed error
			m.MBs = max(m.MBs, rate(len(body), func() { failed = h.Line.Treat(context.Background(), c, r) }))
			if failed != nil {
				return nil, failed
			}
			m.Found = r.Found
		}
		m.Micros = float64(m.Bytes) / m.MBs
		for range o.rounds {
			m.Gitleaks = max(m.Gitleaks, rate(len(t.text), func() { reference.DetectString(t.text) }))
		}
		all = append(all, m)
	}
	return all, nil
}
