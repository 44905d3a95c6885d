package approval

import (
	"context"
	"time"

	"github.com/ostiary/ostiary"
)

// mostCounted bounds what a count reads.
const mostCounted = 10_000

// Waiting is how many requests of a state directory nobody has answered yet, at
// most 10,000.
func Waiting(ctx context.Context, s ostiary.Store, now time.Time) (n int, err error) {
	err = s.View(ctx, func(tx ostiary.Tx) error {
		n = 0
		for row, err := range tx.List(bucketOpen, ostiary.Query{Limit: mostCounted}) {
			if err != nil {
				return err
			}
			if now.Before(row.Expires) {
				n++
			}
		}
		return nil
	})
	return n, err
}
