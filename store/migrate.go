package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ostiary/ostiary"
)

// applicationID says that an SQLite file is ours: "osti".
const applicationID = 0x6f737469

// schema returns the steps that lead from nothing to today's tables. Step n
// makes schema n+1. A step is never changed once it was released; a new one is
// put behind it, and testdata gets a file of the schema before.
func schema() []string {
	return []string{
		// Keys are compared byte by byte. A row's number is its place in the file;
		// large values are better off there than in a tree that is ordered by key.
		`CREATE TABLE entry (
			id      INTEGER PRIMARY KEY,
			bucket  TEXT NOT NULL,
			key     TEXT NOT NULL,
			grp     TEXT NOT NULL,
			expires INTEGER,          -- microseconds since 1970, or NULL
			value   BLOB NOT NULL
		) STRICT;
		CREATE UNIQUE INDEX entry_key ON entry (bucket, key);
		CREATE INDEX entry_grp ON entry (bucket, grp, key) WHERE grp <> '';
		CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
		CREATE TABLE version (
			bucket TEXT PRIMARY KEY NOT NULL,
			n      INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;`,
		// What was put into a group since a version, without reading the group.
		`ALTER TABLE entry ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- the version that the put made
		CREATE INDEX entry_since ON entry (bucket, grp, since) WHERE grp <> '';`,
	}
}

// create makes a store that is not there. It is made whole under another name,
// so that no process ever sees half of one and a file without tables is never
// taken for a new store. If several do it at once, one wins.
func create(f *files, steps []string) error {
	tmp, err := os.CreateTemp(f.dir, "store.new-*") // mode 0600
	if err != nil {
		return unavailable("cannot make the store", err)
	}
	name := tmp.Name()
	defer os.Remove(name)
	if err := tmp.Close(); err != nil {
		return unavailable("cannot make the store", err)
	}
	if err := build(name, steps); err != nil {
		return err
	}
	err = os.Link(name, f.db())
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err = errors.Join(err, syncDir(f.dir)); err != nil {
		return unavailable("cannot make the store", err)
	}
	return nil
}

func build(name string, steps []string) error {
	c, err := connect(name)
	if err != nil {
		return unavailable("cannot make the store", err)
	}
	err = errors.Join(
		c.script("PRAGMA synchronous=off; PRAGMA journal_mode=wal"),
		migrate(c, steps), c.close(),
	)
	var known *ostiary.Error
	switch {
	case errors.As(err, &known):
		return err
	case err != nil:
		return unavailable("cannot make the store", err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0) // nobody else knows it yet, so no lock is lost
	if err == nil {
		err = errors.Join(file.Sync(), file.Close())
	}
	if err != nil {
		return unavailable("cannot make the store durable", err)
	}
	return nil
}

// migrate brings the file to the newest schema in one transaction, forward only.
func migrate(c *conn, steps []string) (err error) {
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.script("ROLLBACK"))
		}
	}()
	have, _, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	if have > int64(len(steps)) {
		return newer(have, int64(len(steps)))
	}
	for i, step := range steps[have:] {
		if err := c.script(step); err != nil {
			return fmt.Errorf("schema %d: %w", int(have)+i+1, err)
		}
	}
	if err := c.script(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, len(steps))); err != nil {
		return err
	}
	return c.script("COMMIT")
}

// inspect looks at what kind of file it is and reports its schema.
func inspect(c *conn) (int64, error) {
	app, _, err := c.number("PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	have, _, err := c.number("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	if app != applicationID || have < 1 {
		return 0, fmt.Errorf("application id %#x, schema %d: not a store of Ostiary", app, have)
	}
	return have, nil
}
