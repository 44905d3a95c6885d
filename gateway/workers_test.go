package gateway

import (
	"runtime"
	"sync"
	"testing"
)

func TestWorkersRunEverythingAtOnceAndEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	w := newWorkers()
	for range 3 {
		const n = 2 * idleMost
		var meet, done sync.WaitGroup
		meet.Add(n)
		done.Add(n)
		for range n {
			w.run(func() {
				defer done.Done()
				meet.Done()
				meet.Wait() // only if all n run at the same time
			})
		}
		done.Wait()
	}
	w.close()
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}
