package main

import (
	"context"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// garbageMost is how much garbage there may be before it is collected, however
	// much lives: five times of little is little, of many sessions it is not.
	garbageMost = 48 << 20
	// restAfter is how long nobody must have asked for anything before the memory
	// that is free goes back to the system.
	restAfter = 3 * time.Second
	// restLooks is how often what is free is looked for then: stacks shrink by half
	// with each.
	restLooks = 4
)

// gcPercentFor is how much garbage there may be for so much that lives, in percent.
func gcPercentFor(live uint64) int {
	return int(min(gcPercent, max(garbageMost*100/max(live, 1), 25)))
}

// frugal lets the garbage collector adapt to what lives, behind each collection.
func frugal() {
	var now atomic.Int64
	now.Store(gcPercent)
	debug.SetGCPercent(gcPercent)
	type collected struct{ _ [16]byte }
	var watch func(struct{})
	watch = func(struct{}) {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		if p := int64(gcPercentFor(sample[0].Value.Uint64())); p*10 < now.Load()*9 || p*9 > now.Load()*10 {
			now.Store(p)
			debug.SetGCPercent(int(p))
		}
		runtime.AddCleanup(new(collected), watch, struct{}{}) // until the next one
	}
	runtime.AddCleanup(new(collected), watch, struct{}{})
}

// resting gives memory back when nobody asks for anything.
type resting struct{ asked atomic.Uint64 }

// before counts the requests of a handler.
func (r *resting) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.asked.Add(1)
		next.ServeHTTP(w, q)
	})
}

// keep looks until ctx ends. free gives back what is free.
func (r *resting) keep(ctx context.Context, every time.Duration, free func()) {
	t := time.NewTicker(every)
	defer t.Stop()
	var seen, freed uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		asked := r.asked.Load()
		if asked == seen && asked != freed {
			free()
			freed = asked
		}
		seen = asked
	}
}

// giveBack collects what is free and gives it to the system.
func giveBack() {
	for range restLooks - 1 {
		runtime.GC()
	}
	debug.FreeOSMemory()
}

// collectSoon collects what is free while sessions are being opened. What a session
// leaves behind at its beginning is several times what stays of it, and where that is
// collected late, what stays lies scattered over pages that can never be given back.
func collectSoon() { go runtime.GC() }
