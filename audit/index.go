package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// index is derived from the logs and can be deleted at any time. It is for
// searching only; evidence is what the segments say.
type index struct {
	db   *sql.DB
	root string
}

// indexVersion changes with the tables; an index of another version is rebuilt.
const indexVersion = 1

const indexTables = `
CREATE TABLE logs (log TEXT PRIMARY KEY, segment INTEGER NOT NULL, pos INTEGER NOT NULL, closed INTEGER NOT NULL) STRICT;
CREATE TABLE records (
	id INTEGER PRIMARY KEY, log TEXT NOT NULL, n INTEGER NOT NULL, time INTEGER NOT NULL,
	call TEXT NOT NULL, principal TEXT NOT NULL, upstream TEXT NOT NULL, target TEXT NOT NULL, session TEXT NOT NULL,
	decision TEXT NOT NULL, code TEXT NOT NULL, line BLOB NOT NULL, body BLOB, UNIQUE (log, n)
) STRICT;
CREATE INDEX by_time ON records (time);
CREATE INDEX by_call ON records (call);
CREATE VIRTUAL TABLE words USING fts5 (text, content='', contentless_delete=1);
`

// openIndex opens the index of a state directory and brings it up to date. One
// that is damaged or of another version is thrown away.
func openIndex(ctx context.Context, dir string) (*index, error) {
	root := filepath.Join(dir, "audit")
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(root, "index.lock"))
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	x, err := tryIndex(ctx, root)
	if err == nil || ctx.Err() != nil {
		return x, err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if gone := os.Remove(indexPath(root) + suffix); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			return nil, errors.Join(err, gone)
		}
	}
	return tryIndex(ctx, root)
}

func indexPath(root string) string { return filepath.Join(root, "index.sqlite") }

func tryIndex(ctx context.Context, root string) (*index, error) {
	path := indexPath(root)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would make it readable by others
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	x := &index{db: db, root: root}
	if err := x.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return x, nil
}

func (x *index) prepare(ctx context.Context) error {
	var version int
	if err := x.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == 0 {
		if _, err := x.db.ExecContext(ctx, indexTables+fmt.Sprintf("PRAGMA user_version = %d", indexVersion)); err != nil {
			return err
		}
	} else if version != indexVersion {
		return fmt.Errorf("the index has version %d", version)
	}
	return x.catchUp(ctx)
}

// catchUp reads what was written since.
func (x *index) catchUp(ctx context.Context) error {
	ids, err := logIDs(x.root)
	if err != nil {
		return err
	}
	known, err := x.cursors(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if c := known[id]; !c.closed {
			if err := x.add(ctx, id, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *index) cursors(ctx context.Context) (map[string]cursor, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT log, segment, pos, closed FROM logs")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]cursor{}
	for rows.Next() {
		var id string
		var c cursor
		if err := rows.Scan(&id, &c.segment, &c.offset, &c.closed); err != nil {
			return nil, err
		}
		known[id] = c
	}
	return known, rows.Err()
}

func (x *index) add(ctx context.Context, id string, c cursor) error {
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	record, err := tx.PrepareContext(ctx, `INSERT INTO records (log, n, time, call, principal, upstream, target, session, decision, code, line, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	words, err := tx.PrepareContext(ctx, "INSERT INTO words (rowid, text) VALUES (?, ?)")
	if err != nil {
		return err
	}
	was := c
	err = c.read(filepath.Join(x.root, id), func(f Found) error {
		r := &f.Record
		var body []byte
		if f.Body != nil {
			body = f.Body
		}
		done, err := record.ExecContext(ctx, id, r.N, r.Time.UnixNano(), r.Call, r.Principal, r.Upstream, r.Target, r.Session,
			r.Decision, r.Code, []byte(f.Line), body)
		if err != nil {
			return err
		}
		row, err := done.LastInsertId()
		if err != nil {
			return err
		}
		_, err = words.ExecContext(ctx, row, r.Target+"\n"+r.Reason+"\n"+r.Message+"\n"+r.WouldReason+"\n"+string(body))
		return err
	})
	if err != nil || c == was {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO logs (log, segment, pos, closed) VALUES (?, ?, ?, ?)",
		id, c.segment, c.offset, c.closed); err != nil {
		return err
	}
	return tx.Commit()
}
