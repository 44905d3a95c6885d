package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestGarbageIsBounded(t *testing.T) {
	for live, want := range map[uint64]int{0: gcPercent, 1 << 20: gcPercent, 12 << 20: 400, 24 << 20: 200, 48 << 20: 100, 1 << 30: 25} {
		if got := gcPercentFor(live); got != want {
			t.Errorf("with %d bytes that live there may be %d %% of garbage, want %d", live, got, want)
		}
	}
}

// TestRestGivesBackOnce: memory is given back when a time has passed without a
// request, and again only behind the next one.
func TestRestGivesBackOnce(t *testing.T) {
	var r resting
	h := r.before(http.NotFoundHandler())
	ask := func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) }
	freed := make(chan struct{}, 100)
	ctx, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.keep(ctx, time.Millisecond, func() { freed <- struct{}{} })
	}()
	for range 2 {
		ask()
		<-freed
		again := time.NewTimer(50 * time.Millisecond)
		select {
		case <-freed:
			t.Error("memory was given back again though nobody had asked")
		case <-again.C:
		}
	}
	end()
	<-over
}
