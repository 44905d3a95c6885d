package audit

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// BenchmarkDisk is the control: one small write and fdatasync at a time on a
// file whose space is reserved.
func BenchmarkDisk(b *testing.B) {
	f, err := createFile(filepath.Join(b.TempDir(), "disk"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	line := make([]byte, 350)
	for i := range line {
		line[i] = 'x'
	}
	line[len(line)-1] = '\n'
	if err := f.Reserve(0, growStep); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	off := int64(0)
	for b.Loop() {
		if _, err := f.WriteAt(line, off%growStep); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		off += int64(len(line))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "syncs/s")
}

// BenchmarkAppend is durable signed records, one a call (closed-world reads with
// a body), by the number of callers that wait.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			l := openTest(b, filepath.Join(b.TempDir(), "state"), nil)
			defer l.Close()
			var took []time.Duration
			if writers == 1 {
				took = make([]time.Duration, 0, 1<<20)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						start := time.Now()
						if err := recordRead(l, testCall("c")); err != nil {
							b.Error(err)
							return
						}
						if writers == 1 {
							took = append(took, time.Since(start))
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if len(took) > 0 {
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			if r := verify(b, filepath.Dir(filepath.Dir(l.dir)), VerifyOptions{}); r.Err() == nil {
				b.ReportMetric(float64(r.Records)/float64(r.Checkpoints), "records/commit")
				b.ReportMetric(float64(r.Bytes)/float64(r.Records), "B/record")
			}
		})
	}
}

func recordRead(l *Log, c *ostiary.Call) error {
	e, err := l.Begin(c)
	if err != nil {
		return err
	}
	return e.End(ostiary.Outcome{Decision: ostiary.Allowed(), Status: ostiary.StatusOK, Duration: time.Millisecond,
		Result: &ostiary.Result{Status: ostiary.StatusOK, Text: "hello"}})
}

// BenchmarkVerify reads a log that was written by 64 callers at once.
func BenchmarkVerify(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "state")
	l := openTest(b, dir, nil)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 500 {
				if err := recordRead(l, testCall("c")); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(verify(b, dir, VerifyOptions{}).Bytes)
	for b.Loop() {
		if err := verify(b, dir, VerifyOptions{}).Err(); err != nil {
			b.Fatal(err)
		}
	}
}
