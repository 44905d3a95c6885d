package audit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ostiary/ostiary"
)

// TestLaw1WhatReturnedStandsInTheFile looks into the file after each intent, while
// others write: whoever led the group, nobody may return before it was written.
func TestLaw1WhatReturnedStandsInTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l, err := Open(Options{
		Dir:        dir,
		Redact:     func(*ostiary.Call) []byte { return nil },
		RedactText: func(s string) string { return s },
	})
	if err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(dir, "audit", l.ID(), segmentName(0))
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 40 {
				id := fmt.Sprintf("call-%d-%d", w, i)
				e, err := l.Begin(&ostiary.Call{ID: id, Effect: ostiary.EffectWrite})
				if err != nil {
					t.Error(err)
					return
				}
				if err := e.Intent(ostiary.Allowed()); err != nil {
					t.Error(err)
				}
				written, err := os.ReadFile(segment)
				if err != nil || !bytes.Contains(written, []byte(`"`+id+`"`)) {
					t.Errorf("%s was promised and is not in the file (%v)", id, err)
				}
				if err := e.End(ostiary.Outcome{Decision: ostiary.Allowed()}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
