package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"

	"modernc.org/sqlite"
)

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time. It talks to the driver itself: the pool of database/sql
// would add goroutines and copies to reads of a few microseconds.
type conn struct {
	raw   driver.Conn
	stmts map[string]statement
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type script interface {
	ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error)
}

// pragmas of every connection. It waits for nobody by itself (turn.go does),
// syncs at each commit, believes nothing that a damaged file says about its
// own schema, overwrites what is deleted (forget.go has the other half), and gives
// disk space of a long log back.
func pragmas() []string {
	return []string{
		"busy_timeout=0", "synchronous=full", "trusted_schema=off", "cell_size_check=on",
		"temp_store=memory", "cache_size=-1024", "secure_delete=on", "journal_size_limit=8388608",
	}
}

// connect opens an existing file. It never makes one.
func connect(path string) (*conn, error) {
	q := url.Values{"mode": {"rw"}, "_defensive": {"1"}, "_dqs": {"0"}, "_pragma": pragmas()}
	raw, err := new(sqlite.Driver).Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: map[string]statement{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// script runs statements that are needed once.
func (c *conn) script(sql string) error {
	s, ok := c.raw.(script)
	if !ok {
		return errors.New("the driver runs no scripts")
	}
	_, err := s.ExecContext(context.Background(), sql, nil)
	return err
}

func (c *conn) prepare(sql string) (statement, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	p, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	s, ok := p.(statement)
	if !ok {
		return nil, errors.Join(errors.New("the driver's statements take no arguments"), p.Close())
	}
	c.stmts[sql] = s
	return s, nil
}

// run executes a statement and returns how many rows it changed.
func (c *conn) run(sql string, args ...driver.NamedValue) (int64, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	// A statement is short and not worth a goroutine that watches a context.
	r, err := s.ExecContext(context.Background(), args)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// each hands the rows of a query to f until f says stop.
func (c *conn) each(sql string, dest []driver.Value, f func() (more bool), args ...driver.NamedValue) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args)
	if err != nil {
		return err
	}
	for {
		switch err := rows.Next(dest); {
		case errors.Is(err, io.EOF):
			return rows.Close()
		case err != nil:
			return errors.Join(err, rows.Close())
		}
		if !f() {
			return rows.Close()
		}
	}
}

// number is the one integer that a query yields; ok is false if there is none.
func (c *conn) number(sql string, args ...driver.NamedValue) (n int64, ok bool, err error) {
	var dest [1]driver.Value
	err = c.each(sql, dest[:], func() bool {
		n, ok = dest[0].(int64)
		return false
	}, args...)
	return n, ok, err
}

// arg is the i-th argument of a statement, counted from 1.
func arg(i int, v driver.Value) driver.NamedValue { return driver.NamedValue{Ordinal: i, Value: v} }

// text is the one text that a query yields.
func (c *conn) text(sql string) (s string, err error) {
	var dest [1]driver.Value
	err = c.each(sql, dest[:], func() bool {
		s, _ = dest[0].(string)
		return false
	})
	return s, err
}
