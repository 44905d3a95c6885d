package approval

import (
	"fmt"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// A list with a limit has the oldest that still wait, whatever expired before them.
func TestListOfTheOldest(t *testing.T) {
	h := newHouse(t)
	h.refused(call("expires"), ostiary.CodeApprovalPending)
	h.later(10*time.Minute + time.Second)
	for i := range 3 {
		h.refused(call(fmt.Sprint("waits ", i)), ostiary.CodeApprovalPending)
	}
	all, err := h.desk.List(t.Context(), Filter{States: []State{Pending}})
	if err != nil || len(all) != 3 {
		t.Fatalf("control: %d wait, %v", len(all), err)
	}
	for limit := 1; limit <= 4; limit++ {
		some, err := h.desk.List(t.Context(), Filter{States: []State{Pending}, Limit: limit})
		if err != nil || len(some) != min(limit, 3) {
			t.Fatalf("limit %d: %d, %v", limit, len(some), err)
		}
		for i := range some {
			if some[i].ID != all[i].ID {
				t.Errorf("limit %d: request %d is %s, want %s", limit, i, some[i].ID, all[i].ID)
			}
		}
	}
	if _, err := h.desk.List(t.Context(), Filter{Limit: 1}); err != nil {
		t.Errorf("one group: %v", err)
	}
	if _, err := h.desk.List(t.Context(), Filter{States: []State{Pending, Denied}, Limit: 1}); err == nil {
		t.Error("a limit over several states was taken")
	}
}
