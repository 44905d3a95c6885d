package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// The fixture of schema 1 was made by this test with OSTIARY_UPDATE=1. A new
// schema gets a file of its own; this one stays as it is.
const fixture = "testdata/schema1.sqlite"

func fixtureRows() []ostiary.Row {
	return []ostiary.Row{
		{Key: "a/1", Group: "pending", Value: []byte(`{"n":1}`), Expires: time.Unix(4102444800, 5000).UTC()},
		{Key: "a/2", Group: "used"},
		{Key: "ключ", Value: make([]byte, 10_000)},
	}
}

func TestFixtureOfSchema1(t *testing.T) {
	if os.Getenv("OSTIARY_UPDATE") != "" {
		writeFixture(t)
	}
	s := opened(t, fixtureDir(t))
	if err := s.View(t.Context(), func(tx ostiary.Tx) error {
		for _, want := range fixtureRows() {
			got, err := tx.Get("b", want.Key)
			if err != nil {
				return err
			}
			if got == nil || got.Group != want.Group || !got.Expires.Equal(want.Expires) || string(got.Value) != string(want.Value) {
				t.Errorf("%s: got %.80v, want %.80v", want.Key, got, want)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Version(t.Context(), "b"); n != 1 || err != nil {
		t.Errorf("version %d, %v", n, err)
	}
	if err := put(t, s, "new", "x"); err != nil {
		t.Error(err)
	}
}

func fixtureDir(t *testing.T) string {
	data, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/state"
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, fileDB), data, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFixture(t *testing.T) {
	dir := t.TempDir() + "/state"
	s, err := open(Options{Dir: dir}, schema()[:1])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx ostiary.Tx) error {
		var errs []error
		for _, r := range fixtureRows() {
			errs = append(errs, tx.Put("b", r))
		}
		return errors.Join(errs...)
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fixture, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// next are the steps of a later version.
func next() []string {
	return append(schema(), "ALTER TABLE entry ADD COLUMN note TEXT; UPDATE entry SET note='migrated'")
}

func TestMigration(t *testing.T) {
	dir := fixtureDir(t)
	old := opened(t, dir)
	s, err := open(Options{Dir: dir}, next())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v, err := get(t, s, "a/1"); v != `{"n":1}` || err != nil {
		t.Errorf("after the migration: %q, %v", v, err)
	}
	if note, err := s.writerText(t, "SELECT note FROM entry LIMIT 1"); note != "migrated" || err != nil {
		t.Errorf("the step did %q, %v", note, err)
	}
	// Neither a process that has it open nor one that starts goes on with the old schema.
	denied(t, old, ostiary.CodeStoreSchema)
	_, err = Open(Options{Dir: dir})
	refused(t, "Open", err, ostiary.CodeStoreSchema)
}

func (s *SQLite) writerText(t *testing.T, sql string) (string, error) {
	if err := put(t, s, "z", "makes the writer"); err != nil {
		return "", err
	}
	return s.writer.text(sql)
}

// TestMigrationThatFails leaves the store as it was.
func TestMigrationThatFails(t *testing.T) {
	dir := fixtureDir(t)
	_, err := open(Options{Dir: dir}, append(next(), "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)"))
	refused(t, "Open", err, ostiary.CodeStoreUnavailable)
	s := opened(t, dir) // still schema 1
	if v, err := get(t, s, "a/1"); v != `{"n":1}` || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}

// TestMigrationRace: several start the later version at once.
func TestMigrationRace(t *testing.T) {
	dir := fixtureDir(t)
	done := make(chan error)
	for range 8 {
		go func() {
			s, err := open(Options{Dir: dir}, next())
			if err == nil {
				err = s.Close()
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
