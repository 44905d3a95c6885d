package telemetry_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/telemetry"
)

// TestReferenceIsComplete compares docs/reference/telemetry.md with what is pushed
// and read after calls of every kind: each name on either side is on the other.
func TestReferenceIsComplete(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	c, to := pushed(t)
	tel := start(t, telemetry.Options{Sample: 1, Collector: to, Scraped: true})
	if err := tel.Read(telemetry.Sources{
		Waiting:   func(context.Context) (int, error) { return 0, nil },
		Sessions:  func() map[string]int { return map[string]int{"files": 2} },
		Upstreams: func() map[string]bool { return map[string]bool{"files": true} },
		Audit:     func() (int, error) { return 0, nil },
	}); err != nil {
		t.Fatal(err)
	}
	line(t, tel, gate{"policy", ostiary.Decision{Verdict: ostiary.Ask, Code: ostiary.CodeApprovalRequired}}).
		Do(t.Context(), call("1", "t", ""), gives(ostiary.StatusRPCError, `{"code":-32602}`))
	line(t, tel, gate{"policy", ostiary.Decision{Code: ostiary.CodePolicyDeny}}).Do(t.Context(), call("2", "t", ""), nil)
	tel.Anomaly("files")
	families, _ := scrape(t, tel.Handler())
	closed(t, tel)

	metrics, attributes := map[string]bool{}, map[string]bool{}
	note := func(all []*commonpb.KeyValue) {
		for _, a := range all {
			attributes[a.Key] = true
		}
	}
	for name, m := range c.Metrics() {
		metrics[name] = true
		for _, all := range pointAttributes(m) {
			note(all)
		}
	}
	for _, s := range c.Spans() {
		note(s.Attributes)
		for _, e := range s.Events {
			note(e.Attributes)
			if !strings.Contains(string(page), "`"+e.Name+"`") {
				t.Errorf("the event %s is not in the page", e.Name)
			}
		}
	}
	prometheus := map[string]bool{}
	for name := range families {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") && name != "target_info" {
			prometheus[name] = true
		}
	}
	for what, got := range map[string]map[string]bool{"## Metrics 1": metrics, "## Metrics 2": prometheus, "## Attributes 1": attributes} {
		var section string
		var column int
		if _, err := fmt.Sscanf(what, "## %s %d", &section, &column); err != nil {
			t.Fatal(err)
		}
		want := names(string(page), section, column)
		if have := slices.Sorted(maps.Keys(got)); !slices.Equal(have, want) {
			t.Errorf("%s: the page has %q, told are %q", what, want, have)
		}
	}
}

// names are those in a column of the table of a section.
func names(page, section string, column int) []string {
	_, rest, _ := strings.Cut(page, "\n## "+section+"\n")
	table, _, _ := strings.Cut(rest, "\n## ")
	var found []string
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) <= column {
			continue
		}
		if m := regexp.MustCompile("^ `(.+)` $").FindStringSubmatch(cells[column]); m != nil {
			found = append(found, m[1])
		}
	}
	slices.Sort(found)
	return found
}

func pointAttributes(m *metricspb.Metric) (all [][]*commonpb.KeyValue) {
	for _, p := range m.GetHistogram().GetDataPoints() {
		all = append(all, p.Attributes)
	}
	for _, p := range slices.Concat(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()) {
		all = append(all, p.Attributes)
	}
	return all
}
