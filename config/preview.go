package config

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/preview"
	"github.com/ostiary/ostiary/validate"
)

// preview makes what shows a call of one rule to a person, for an upstream that
// starts in a directory. Files are looked for where the path's validator looks.
func (r *Rule) preview(u *Upstream, dir string, postgres validate.SQLParser, redact func(*ostiary.Call, string) string) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error) {
	switch p := r.Preview; {
	case p.Write != nil:
		at, err := r.pathOf(u, p.Write.Path)
		if err != nil {
			return nil, err
		}
		return preview.Write(preview.WriteOptions{
			Path: p.Write.Path, Content: p.Write.Content, Root: at.Root, WorkingDir: cmp.Or(at.Base, dir), Redact: redact,
		})
	case p.Delete != nil:
		at, err := r.pathOf(u, p.Delete.Path)
		if err != nil {
			return nil, err
		}
		return preview.Delete(preview.DeleteOptions{Path: p.Delete.Path, Root: at.Root, WorkingDir: cmp.Or(at.Base, dir), Redact: redact})
	default:
		return preview.SQL(preview.SQLOptions{
			Query: p.SQL.Query, Dialect: p.SQL.Dialect, Database: p.SQL.Database,
			Parse: summarize(p.SQL.Dialect, postgres), Redact: redact,
		})
	}
}

// summarize makes the parser of a dialect one of previews; nil if there is none.
func summarize(dialect string, postgres validate.SQLParser) func(context.Context, string, string) (preview.SQLSummary, error) {
	parse := postgres
	if dialect == "sqlite" {
		parse = validate.ParseSQLite
	}
	if parse == nil {
		return nil
	}
	return func(ctx context.Context, dialect, text string) (preview.SQLSummary, error) {
		s, err := parse(ctx, dialect, text)
		return preview.SQLSummary{Statements: s.Statements, Classes: s.Classes,
			Tables: sqlNames(s.Tables), Functions: sqlNames(s.Functions), Unknown: s.Unknown}, err
	}
}

// pathOf is the path validator of an argument; zero if it has none. Where names
// are judged by their text alone, our files of that name are others.
func (r *Rule) pathOf(u *Upstream, argument string) (validate.Path, error) {
	var at validate.Path
	pointer := "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(argument)
	for _, a := range r.Args {
		if a.Path != nil && (a.Pointer == pointer || a.Pointer == "/*" && at.Root == "") {
			at = *a.Path
		}
	}
	if at.Lexical || u != nil && u.Remote {
		return at, errors.New("the server has another file system, so the door cannot look at its files: remove `preview:`")
	}
	return at, nil
}

// arguments are those that the preview reads.
func (p *Preview) arguments() []string {
	switch {
	case p.Write != nil:
		return []string{p.Write.Path, p.Write.Content}
	case p.Delete != nil:
		return []string{p.Delete.Path}
	}
	return []string{p.SQL.Query}
}

func sqlNames(names []validate.SQLName) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = strings.TrimPrefix(n.Schema+"."+n.Name, ".")
	}
	slices.Sort(all)
	return slices.Compact(all)
}
