package preview

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// SQLSummary is what a parser found anywhere in a text.
type SQLSummary struct {
	Statements int
	// Classes are select, insert, update, delete, ddl, …; Tables and Functions
	// are names as a person writes them; Unknown is what the parser has no
	// judgement on.
	Classes, Tables, Functions, Unknown []string
}

// SQLOptions of SQL.
type SQLOptions struct {
	// Query is the name of the top-level argument that holds the statement.
	Query string
	// Dialect is postgresql or sqlite.
	Dialect string
	// Parse says what a text is, by the real grammar of its dialect. Required. It
	// is used by many goroutines at once; an error is told to the agent.
	Parse func(ctx context.Context, dialect, text string) (SQLSummary, error)
	// Database is the absolute path of a SQLite file that explains the statement;
	// "" shows words only.
	Database string
	// Timeout bounds the explanation; 2 s by default.
	Timeout time.Duration
	// Redact takes secrets out of a text about a call; nil shows them.
	Redact func(c *ostiary.Call, text string) string
}

// SQL shows what a statement is and touches and, where there is a SQLite file,
// how SQLite would go about it. The statement is never run. The Target is that
// text with the version of the database's schema. The function is used by many
// goroutines at once; its errors have CodePreviewFailed, those of Parse pass.
func SQL(o SQLOptions) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error) {
	switch {
	case o.Query == "" || o.Parse == nil:
		return nil, invalid("SQL needs the name of the argument for the statement, and a parser")
	case o.Dialect != "sqlite" && o.Dialect != "postgresql":
		return nil, invalid("the dialect must be sqlite or postgresql, not %q", o.Dialect)
	case o.Database != "" && (o.Dialect != "sqlite" || !filepath.IsAbs(o.Database)):
		return nil, invalid("a database is the absolute path of a SQLite file, for the dialect sqlite")
	case o.Timeout < 0:
		return nil, invalid("bounds must not be negative")
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	return o.preview, nil
}

func (o SQLOptions) preview(ctx context.Context, c *ostiary.Call) (*ostiary.Preview, error) {
	text, err := argument(c, o.Query)
	if err != nil {
		return nil, err
	}
	if strings.ContainsRune(text, 0) {
		return nil, failed(nil, "the statement holds a NUL, behind which programs do not read on: send plain text")
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	found, err := o.Parse(ctx, o.Dialect, text)
	if err != nil {
		return nil, err
	}
	p, h := &page{}, hiding(o.Redact, c)
	p.line(o.Dialect + ": " + count(int64(found.Statements), "statement", "statements") + ", " + words(found.Classes, "of no known class"))
	p.line("tables: " + words(h.all(found.Tables), "none"))
	p.line("functions: " + words(h.all(found.Functions), "none"))
	if len(found.Unknown) > 0 {
		p.line("not understood: " + words(h.all(found.Unknown), ""))
	}
	target := newSum("sql")
	target.text(o.Database)
	if o.Database != "" {
		version, plan, err := explain(ctx, o.Database, text, found)
		if err != nil {
			return nil, err
		}
		target.number(version)
		for _, line := range plan {
			p.line(h(line))
		}
		for _, line := range plan { // also what found no room
			target.text(line)
		}
	}
	for _, list := range [][]string{found.Classes, found.Tables, found.Functions, found.Unknown} {
		target.number(int64(len(list)))
		for _, word := range list {
			target.text(word)
		}
	}
	target.number(int64(found.Statements))
	return &ostiary.Preview{Kind: "plan", Text: p.String(), Target: target.digest()}, nil
}

func words(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	const most = 50
	var b strings.Builder
	for i, w := range list[:min(len(list), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		if strings.ContainsFunc(w, func(r rune) bool { return r != '_' && r != '.' && !('a' <= r && r <= 'z') && !('0' <= r && r <= '9') }) {
			w = quoted(w)
		}
		b.WriteString(w)
	}
	if len(list) > most {
		fmt.Fprintf(&b, " and %d more", len(list)-most)
	}
	return b.String()
}

// explainable reports whether SQLite only prepares the text when it explains it.
// Some PRAGMAs act while they are prepared, and a second statement would be run.
func explainable(s SQLSummary) bool {
	return s.Statements == 1 && len(s.Unknown) == 0 && len(s.Classes) > 0 &&
		!slices.ContainsFunc(s.Classes, func(c string) bool {
			return !slices.Contains([]string{"select", "insert", "update", "delete"}, c)
		})
}
