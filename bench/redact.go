package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/ostiary/ostiary/internal/hostile"
	"github.com/ostiary/ostiary/redact/scan"
)

// redaction is what the engine that finds secrets costs and finds, beside the
// detector of gitleaks, whose rules it has.
type redaction struct {
	Speed []redactSpeed
	// WayOut is the whole of what a result passes.
	WayOut []wayOut
	// Worst are the slowest of the texts that are made for each rule.
	Worst  []worstText
	Texts  int // how many were tried
	Parity []parity
	Alarms alarms
}

// redactSpeed is in 10⁶ bytes a second of CPU time.
type redactSpeed struct {
	Name                 string
	Bytes                int
	Find, Hits, Gitleaks float64
	Found                int
}

type worstText struct {
	Rule, Text string
	MBs        float64
}

// parity counts the samples of one rule: how many texts with a secret are found by
// any rule, and how many without one by the rule itself.
type parity struct {
	Rule                   string
	Secrets, Theirs, Ours  int
	Others                 int // samples without a secret
	FalseTheirs, FalseOurs int
}

func measureRedact(ctx context.Context, o options) (*redaction, error) {
	e, err := scan.New(scan.Options{})
	if err != nil {
		return nil, err
	}
	reference, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m := &redaction{}
	texts := []struct{ name, text string }{
		{"ordinary output", ordinaryOutput(10 << 10)}, {"ordinary output", ordinaryOutput(1 << 20)},
		{"a secret in each 2 KB", strings.Repeat(ordinaryOutput(2<<10)+"\ntoken: ghp_zX9k2Lq8Vw4Rt6Yp0uB3nM5aJ7dS1gH8fK4e\n", 50)},
	}
	for _, t := range texts {
		raw := []byte(t.text)
		var found []scan.Finding
		var hits []int
		s := redactSpeed{Name: t.name, Bytes: len(t.text)}
		for range o.rounds {
			s.Gitleaks = max(s.Gitleaks, rate(len(t.text), func() { reference.DetectString(t.text) }))
			for range 10 {
				s.Find = max(s.Find, rate(len(t.text), func() { found = e.Find(found[:0], t.text) }))
				s.Hits = max(s.Hits, rate(len(t.text), func() { hits = e.Hits(hits[:0], raw) }))
			}
		}
		s.Found = len(found)
		m.Speed = append(m.Speed, s)
	}
	answers, err := readPeers(ctx)
	if err != nil {
		return nil, err
	}
	if m.WayOut, err = measureWayOut(o, reference, answers); err != nil {
		return nil, err
	}
	if err := m.worst(e); err != nil {
		return nil, err
	}
	err = m.compare(e, reference)
	if errors.Is(err, fs.ErrNotExist) {
		log.Printf("redact: SKIPPED, not compared: the samples are absent: %v", err)
		err = nil
	}
	if err != nil {
		return m, err
	}
	m.Alarms, err = measureAlarms(e, reference, answers)
	return m, err
}

// worst takes the slowest of the texts that are made for each rule.
func (m *redaction) worst(e *scan.Engine) error {
	var file struct {
		Rules []struct {
			ID, Regex string
			Keywords  []string
		}
	}
	if err := toml.Unmarshal([]byte(config.DefaultConfig), &file); err != nil {
		return err
	}
	var found []scan.Finding
	const n, first = 16 << 10, 100
	var all []worstText
	for _, r := range file.Rules {
		for _, text := range hostile.Texts(r.Regex, r.Keywords, n) {
			all = append(all, worstText{r.ID, text, rate(n, func() { found = e.Find(found[:0], text) })})
		}
	}
	for _, k := range []string{"sk-", "Bearer ", "Basic ", "://", "eyJ", "cookie: ", "password=", "accountkey=", "-----BEGIN PRIVATE KEY-----", "kind: Secret\ndata:\n a: "} {
		for _, text := range hostile.Texts("", []string{k}, n) {
			all = append(all, worstText{"own", text, rate(n, func() { found = e.Find(found[:0], text) })})
		}
	}
	m.Texts = len(all)
	slower := func(a, b worstText) int { return int(1000 * (a.MBs - b.MBs)) }
	slices.SortFunc(all, slower)
	all = all[:first]
	for i := range all { // one run may have been disturbed
		for range 10 {
			all[i].MBs = max(all[i].MBs, rate(n, func() { found = e.Find(found[:0], all[i].Text) }))
		}
	}
	slices.SortFunc(all, slower)
	m.Worst = all[:8]
	for i := range m.Worst {
		m.Worst[i].Text = m.Worst[i].Text[:32]
	}
	return nil
}

// compare goes through the samples of gitleaks' own tests.
func (m *redaction) compare(e *scan.Engine, reference *detect.Detector) (err error) {
	file, err := os.Open(filepath.Join(dataDir(), "secrets", "samples.dev.jsonl.gz"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	rows := map[string]*parity{}
	lines := bufio.NewScanner(unzip)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s struct{ Rule, Label, Text string }
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return err
		}
		row := rows[s.Rule]
		if row == nil {
			row = &parity{Rule: s.Rule}
			rows[s.Rule] = row
		}
		theirs, ours := reference.DetectString(s.Text), e.Find(nil, s.Text)
		if s.Label == "secret" {
			row.Secrets++
			row.Theirs += min(1, len(theirs))
			row.Ours += min(1, len(ours))
			continue
		}
		row.Others++
		for _, f := range theirs {
			if f.RuleID == s.Rule {
				row.FalseTheirs++
				break
			}
		}
		if slices.ContainsFunc(ours, func(f scan.Finding) bool { return f.Rule == s.Rule }) {
			row.FalseOurs++
		}
	}
	for _, row := range rows {
		m.Parity = append(m.Parity, *row)
	}
	slices.SortFunc(m.Parity, func(a, b parity) int { return strings.Compare(a.Rule, b.Rule) })
	return lines.Err()
}

// ordinaryOutput is n bytes of what tools give back: listings, logs, JSON, prose.
// The same every time.
func ordinaryOutput(n int) string {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it must be the same every time
	words := strings.Fields("the file of a request was written to disk and then read by another process which returned an error because there is no such " +
		"directory error warning info status count items total name path value result user list set get open close main func return import package test go " +
		"build version release notes key keys author authors access token tokens secretary capital description created updated number page pages")
	word := func() string { return words[r.IntN(len(words))] }
	var b strings.Builder
	for b.Len() < n {
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "-rw-r--r-- 1 user staff %d Nov 12 10:%02d src/%s/%s_%s.go\n", r.IntN(99999), r.IntN(60), word(), word(), word())
		case 1:
			fmt.Fprintf(&b, `{"id": %d, "name": "%s", "status": "open", "url": "https://example.com/items/%d", "updated_at": "2026-11-12T10:%02d:00Z"}`+"\n",
				r.IntN(99999), word(), r.IntN(9999), r.IntN(60))
		case 2:
			fmt.Fprintf(&b, "2026-11-12T10:%02d:%02dZ INFO %s: %s %s in %dms\n", r.IntN(60), r.IntN(60), word(), word(), word(), r.IntN(900))
		default:
			for range 12 {
				b.WriteString(word())
				b.WriteByte(' ')
			}
			b.WriteString("\n")
		}
	}
	return b.String()[:n]
}
