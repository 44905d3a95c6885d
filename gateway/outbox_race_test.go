package gateway

import (
	"bufio"
	"fmt"
	"io"
	"sync"
	"testing"
)

// TestOutboxLosesNothing sends from many goroutines in bursts, so that the
// writer falls asleep and wakes between them, and counts what arrives.
func TestOutboxLosesNothing(t *testing.T) {
	r, w := io.Pipe()
	o := newOutbox(w)
	const senders, each = 8, 2000
	seen := map[string]bool{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(r)
		for len(seen) < senders*each && lines.Scan() {
			seen[lines.Text()] = true
		}
	}()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				if err := o.send(t.Context(), fmt.Appendf(nil, "%d-%d", s, i)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	o.close()
	<-o.done
	w.Close()
	<-done
	for s := range senders {
		for i := range each {
			if !seen[fmt.Sprintf("%d-%d", s, i)] {
				t.Fatalf("message %d-%d is lost or torn", s, i)
			}
		}
	}
}
