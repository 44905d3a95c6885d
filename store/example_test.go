package store_test

import (
	"context"
	"fmt"
	"os"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store"
)

// A grant for one use: of all who try, one gets it.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	use := func() (won bool, err error) {
		err = s.Update(ctx, func(tx ostiary.Tx) error {
			r, err := tx.Get("grant", "g1")
			if err != nil || r == nil {
				return err
			}
			won = true
			return tx.Delete("grant", "g1")
		})
		return won, err
	}
	if err := s.Update(ctx, func(tx ostiary.Tx) error { return tx.Put("grant", ostiary.Row{Key: "g1"}) }); err != nil {
		fmt.Println(err)
	}
	fmt.Println(use())
	fmt.Println(use())
	// Output:
	// true <nil>
	// false <nil>
}
