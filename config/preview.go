package config

import (
	"context"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/preview"
	"github.com/ostiary/ostiary/validate"
)

// preview makes what shows a call of one rule to a person, for an upstream that
// starts in a directory. Files are shown below the root of the path's validator,
// else below that directory.
func (r *Rule) preview(dir string, sql validate.SQLParser) (func(context.Context, *ostiary.Call) (*ostiary.Preview, error), error) {
	switch p := r.Preview; {
	case p.Write != nil:
		return preview.Write(preview.WriteOptions{
			Path: p.Write.Path, Content: p.Write.Content, Root: r.rootOf(p.Write.Path), WorkingDir: dir,
		})
	case p.Delete != nil:
		return preview.Delete(preview.DeleteOptions{Path: p.Delete.Path, Root: r.rootOf(p.Delete.Path), WorkingDir: dir})
	default:
		o := preview.SQLOptions{Query: p.SQL.Query, Dialect: p.SQL.Dialect, Database: p.SQL.Database}
		if sql != nil {
			o.Parse = func(ctx context.Context, dialect, text string) (preview.SQLSummary, error) {
				s, err := sql(ctx, dialect, text)
				return preview.SQLSummary{Statements: s.Statements, Classes: s.Classes,
					Tables: sqlNames(s.Tables), Functions: sqlNames(s.Functions), Unknown: s.Unknown}, err
			}
		}
		return preview.SQL(o)
	}
}

// rootOf is the root of the path validator of an argument; "" if it has none.
func (r *Rule) rootOf(argument string) string {
	for _, a := range r.Args {
		if a.Pointer == "/"+argument && a.Path != nil {
			return a.Path.Root
		}
	}
	return ""
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
	return all
}
