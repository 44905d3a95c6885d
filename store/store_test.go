package store

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/store/storetest"
)

func engine() storetest.Engine {
	return storetest.Engine{
		Place: func(t *testing.T) string { return stateDir(t) },
		Open: func(place string, clock func() time.Time) (storetest.Store, error) {
			return Open(Options{Dir: place, Clock: clock})
		},
	}
}

func TestMain(m *testing.M) { storetest.Main(m, engine()) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) ostiary.Store { return opened(t, stateDir(t)) })
}

func TestSharedStore(t *testing.T) { storetest.RunShared(t, engine()) }

// stateDir is a directory that does not exist yet and whose name needs care.
func stateDir(t testing.TB) string { return t.TempDir() + "/a state?#%20&=" }

func opened(t testing.TB, dir string) *SQLite {
	t.Helper()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
