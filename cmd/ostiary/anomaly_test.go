package main

import (
	"strings"
	"testing"
)

// TestAnomalyFreezes: a jump freezes the principal where the rule says so, in the
// evidence and for other doors too. Without the key there is only an alert (the
// control).
func TestAnomalyFreezes(t *testing.T) {
	for _, freeze := range []string{"true", "false"} {
		t.Run("freeze="+freeze, func(t *testing.T) {
			d := newDoorway(t, `version: 1
rules:
  - {tool: "up/echo", effect: read, anomaly: {times: 2, least: 5, freeze: `+freeze+`}}
`)
			s, _ := d.open("up")
			other, _ := d.open("up")
			if code, text := d.call(other, "echo", "x"); code != "" {
				t.Fatalf("the first call got %q: %s", code, text)
			}
			frozen := ""
			for range 30 {
				if frozen, _ = d.call(s, "echo", "x"); frozen != "" {
					break
				}
			}
			want := ""
			if freeze == "true" {
				want = "freeze_active"
			}
			if frozen != want {
				t.Errorf("thirty calls got %q, want %q", frozen, want)
			}
			d.becomes("the other door", other, want)
			d.until("the anomaly is in the evidence", func() bool {
				return strings.Contains(d.command("audit", "query", "--code", "anomaly_raised", "--json"), `"code":"anomaly_raised"`)
			})
			log := d.command("audit", "query", "--json", "--limit", "1000")
			if set := strings.Contains(log, `"code":"freeze_set"`); set != (freeze == "true") {
				t.Errorf("the freeze is in the evidence: %v\n%s", set, log)
			}
			list := d.command("freeze", "--list")
			if strings.Contains(list, "anomaly: ") != (freeze == "true") {
				t.Errorf("%s", list)
			}
		})
	}
}
