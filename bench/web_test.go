package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/peers"
)

// TestRefusalIsNoCallOverHTTP checks the callers over HTTP against the raw server
// direct and behind both relays, and that what was refused does not count as fast.
func TestRefusalIsNoCallOverHTTP(t *testing.T) {
	web := peers.Build(t, "./internal/peers/cmd/web")
	open := func(args ...string) *webPeer {
		p, err := startWeb(context.Background(), append([]string{web}, args...), false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.end(); err != nil {
				t.Error(err)
			}
		})
		return p
	}
	echo := open("echo")
	for name, p := range map[string]*webPeer{"direct": echo, "proxy": open("proxy", echo.url), "sdk": open("sdk", echo.url)} {
		for _, era := range eras {
			crowd := make([]*webCaller, 4)
			for i := range crowd {
				c, err := dialWeb(t.Context(), p.url, era, "")
				if err != nil {
					t.Fatalf("%s, %s: %v", name, era, err)
				}
				defer c.conn.Close()
				crowd[i] = c
			}
			for _, size := range []int{small, large} {
				got, err := driveWeb(os.Getpid(), crowd, callKind{"echo", size}, 0)
				if err != nil || got.Calls != len(crowd) {
					t.Errorf("%s, %s: 4 callers with one call each of %d bytes made %d calls, %v", name, era, size, got.Calls, err)
				}
			}
			if _, err := driveWeb(os.Getpid(), crowd[:1], callKind{"missing", small}, 0); err == nil {
				t.Errorf("%s, %s: a refused call was counted", name, era)
			}
		}
	}
}

// TestWebTable prints a report of made-up figures, whose ratios are known.
func TestWebTable(t *testing.T) {
	cells := make([]webSample, len(webCells()))
	one := func(perSecond int, cpu time.Duration) [][]webSample {
		got := make([]webSample, len(cells))
		for i := range got {
			w := webSample{sample: sample{Calls: perSecond, Elapsed: time.Second, CPU: cpu * time.Duration(perSecond)}}
			for k := range 100 {
				w.Latencies = append(w.Latencies, time.Duration(k)*time.Microsecond)
			}
			got[i].add(w)
		}
		return [][]webSample{got}
	}
	var out bytes.Buffer
	printWeb(&out, &webMeasured{
		Ways: []string{webDirect, webProxy, webSDK, webReads, webEffects},
		Rounds: [][][]webSample{
			one(50000, 10*time.Microsecond), one(10000, 100*time.Microsecond), one(1000, time.Millisecond),
			one(7000, 130*time.Microsecond), one(5000, 160*time.Microsecond),
		},
		Idle: &webIdle{Sessions: 1000, BeforeMB: 30, MB: 80, LaterMB: 70},
		Slow: &webSlow{Steps: []webSlowStep{{Clients: 50, BeforeMB: 30, MB: 90}}},
	})
	for _, want := range []string{
		"proxy's | 2025-11-25 | 256 B | 70 % (70 … 70) | 50 % (50 … 50) | at least 60 %",
		"SDK relay's | 2026-07-28 | 16384 B | 700 % (700 … 700) | 500 % (500 … 500) | at least 200 %",
		"own CPU at 32 callers, of the bare reverse proxy's | 2026-07-28 | 256 B | 130 % (130 … 130) | 160 % (160 … 160) | at most 150 %",
		"| 50 / 99 | 50 / 99 |",
		"KB a session (at most 40) | 40.0 |",
		"| 50 | 30.0 | 90.0 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
