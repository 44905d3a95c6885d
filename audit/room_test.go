package audit

import (
	"errors"
	"os"
	"testing"

	"github.com/ostiary/ostiary"
)

func TestFree(t *testing.T) {
	l := &Log{dir: t.TempDir()}
	if n, err := l.Free(); err != nil || n <= 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := os.Remove(l.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Free(); !errors.Is(err, ostiary.CodeAuditUnavailable) {
		t.Errorf("of what is not there: %v", err)
	}
}
