package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/config"
)

// knock sends a request without a credential, or with one, from an address that it
// claims, and returns the status.
func (d *doorway) knock(url, key, from string) (status int, header http.Header) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if from != "" {
		req.Header.Set("X-Forwarded-For", from)
	}
	resp, err := (&http.Client{Transport: bearer{key}}).Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// refusals are the records of one code.
func (d *doorway) refusals(code string) (found []audit.Record) {
	d.t.Helper()
	for line := range strings.Lines(d.command("audit", "query", "--json", "--code", code, "--limit", "1000")) {
		var one struct{ Record audit.Record }
		if json.Unmarshal([]byte(line), &one) == nil && one.Record.Code == code {
			found = append(found, one.Record)
		}
	}
	return found
}

// TestServeLimitsAddresses: requests count for the address that was verified.
// A forged header changes nothing; that of a trusted proxy does (the control).
func TestServeLimitsAddresses(t *testing.T) {
	upstream, _ := sharedServer(t, true)
	for _, trusted := range []bool{false, true} {
		t.Run(fmt.Sprintf("trusted=%t", trusted), func(t *testing.T) {
			policy := fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential") + "limits: {per_address: 4/h}\n"
			if trusted {
				policy += "serve: {trusted_proxies: [127.0.0.1]}\n"
			}
			d := newDoorway(t, policy)
			url := d.serving()
			for i := range 6 {
				from := "203.0.113." + strconv.Itoa(i)
				got, header := d.knock(url, "", from)
				want := http.StatusUnauthorized
				if !trusted && i >= 4 {
					want = http.StatusTooManyRequests
				}
				if got != want {
					t.Errorf("request %d: status %d, want %d", i, got, want)
				}
				if after, err := strconv.Atoi(header.Get("Retry-After")); want == http.StatusTooManyRequests && (err != nil || after < 1 || after > 3600) {
					t.Errorf("Retry-After: %q", header.Get("Retry-After"))
				}
			}
			want := "127.0.0.1"
			if trusted {
				want = "203.0.113.0"
			}
			if found := d.refusals("auth_missing"); len(found) == 0 || found[0].Address != want {
				t.Errorf("%d refusals, want the first from %s", len(found), want)
			}
			if found := d.refusals("limit_rate"); (len(found) > 0) == trusted {
				t.Errorf("%d requests were too many", len(found))
			}
		})
	}
}

// TestServeKeepsRoom: with less disk left than the reserve, what is refused of
// strangers is not written, and who is known is served and recorded.
func TestServeKeepsRoom(t *testing.T) {
	upstream, _ := sharedServer(t, true)
	for reserve, written := range map[string]bool{"1MiB": true, "1024GiB": false} {
		t.Run(reserve, func(t *testing.T) {
			d := newDoorway(t, fmt.Sprintf(servePolicy, strings.Replace(upstream, "127.0.0.1", "localhost", 1), "upstream-only-credential")+"audit: {reserve: "+reserve+"}\n")
			url := d.serving()
			for range 3 {
				if status, _ := d.knock(url, "", ""); status != http.StatusUnauthorized {
					t.Fatalf("status %d", status)
				}
			}
			s, err := connect(t, url, d.key("rita", "notes:read"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if code, text := d.call(s, "read", "a"); code != "" || text != "read a" {
				t.Errorf("the call of somebody known got %q %q", code, text)
			}
			if n := len(d.refusals("auth_missing")); (n == 3) != written || !written && n != 0 {
				t.Errorf("%d records of strangers", n)
			}
			if log := d.command("audit", "query", "--json", "--principal", "rita", "--tool", "read"); !strings.Contains(log, `"address":"127.0.0.1"`) {
				t.Errorf("the record of the call does not say where it came from:\n%s", log)
			}
		})
	}
}

// TestGuideToTeamsIsValid: every policy that the guide shows is one.
func TestGuideToTeamsIsValid(t *testing.T) {
	n := 0
	for _, s := range snippets(document(t, "../../docs/guides/team-gateway.md")) {
		if s.language != "yaml" {
			continue
		}
		n++
		if _, err := config.Parse("policy.yaml", []byte(s.text), config.Options{SkipSecrets: true}); err != nil {
			t.Errorf("%v", err)
		}
	}
	if n < 3 {
		t.Errorf("the guide shows %d policies", n)
	}
}
