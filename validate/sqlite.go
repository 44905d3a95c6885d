package validate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sqlc-dev/meyer/ast"
	"github.com/sqlc-dev/meyer/parser"
)

// ParseSQLite is the [SQLParser] of the dialect sqlite, by SQLite's own grammar.
// Names are in lower case, because SQLite does not tell them apart by case. The
// error has CodeValidateSQL, also for a text of more than 64 KiB.
func ParseSQLite(_ context.Context, dialect, text string) (SQLSummary, error) {
	switch {
	case dialect != "sqlite":
		return SQLSummary{}, refuseSQL("the parser of SQLite does not speak the dialect %s; tell the operator", quoteShort(dialect))
	case len(text) > sqlMostBytes:
		return SQLSummary{}, refuseSQL("the SQL text has %d bytes; at most %d are judged: send less", len(text), sqlMostBytes)
	case strings.ContainsRune(text, 0) || !utf8.ValidString(text):
		return SQLSummary{}, refuseSQL("the SQL text contains a NUL or bytes that are no UTF-8: send plain text")
	}
	stmts, err := parser.Options{UpdateDeleteLimit: true}.ParseString(text)
	if err != nil {
		return SQLSummary{}, refuseSQL("SQLite's grammar does not accept this text%s; send one complete SQLite statement", sqlitePlace(err))
	}
	w := &sqliteWalker{}
	w.sum.Statements = len(stmts)
	for _, s := range stmts {
		if sel, ok := s.(*ast.SelectStmt); ok {
			w.class("select") // a bare VALUES too
			w.visit(sel, nil)
			continue
		}
		w.visit(s, nil)
	}
	slices.Sort(w.sum.Classes)
	w.sum.Classes = slices.Compact(w.sum.Classes)
	return w.sum, nil
}

// sqlitePlace says where, without the piece of text that SQLite's message quotes.
func sqlitePlace(err error) string {
	var e *parser.Error
	if !errors.As(err, &e) || e.Offset < 0 {
		return ""
	}
	line, column := parser.LineCol(e.SQL, e.Offset)
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}

type sqliteWalker struct{ sum SQLSummary }

// sqliteScope is what WITH has named. In SQLite every name of a WITH is visible
// in all its queries, with or without RECURSIVE.
type sqliteScope struct {
	with  *ast.With
	outer *sqliteScope
}

func (s *sqliteScope) has(name string) bool {
	for ; s != nil; s = s.outer {
		for _, c := range s.with.CTEs {
			if lowerASCII(c.Name.Name) == lowerASCII(name) {
				return true
			}
		}
	}
	return false
}

func (w *sqliteWalker) class(c string) { w.sum.Classes = append(w.sum.Classes, c) }

func (w *sqliteWalker) function(name *ast.Ident) {
	w.sum.Functions = append(w.sum.Functions, SQLName{Name: lowerASCII(name.Name)})
}

func (w *sqliteWalker) table(n *ast.QualifiedName, s *sqliteScope) {
	if n.Schema == nil && s.has(n.Name.Name) {
		return
	}
	name := SQLName{Name: lowerASCII(n.Name.Name)}
	if n.Schema != nil {
		name.Schema = lowerASCII(n.Schema.Name)
	}
	w.sum.Tables = append(w.sum.Tables, name)
}

// written notes a table that a statement changes or defines: never a WITH name.
func (w *sqliteWalker) written(names ...*ast.QualifiedName) {
	for _, n := range names {
		w.table(n, nil)
	}
}

func (w *sqliteWalker) named(id *ast.Ident) { w.table(&ast.QualifiedName{Name: id}, nil) }

func (w *sqliteWalker) children(n ast.Node, s *sqliteScope) {
	for _, c := range n.Children() {
		w.visit(c, s)
	}
}

// visit judges a node and goes on to its children. What is not listed is unknown.
func (w *sqliteWalker) visit(n ast.Node, s *sqliteScope) {
	s = withScope(n, s)
	switch n := n.(type) {
	case *ast.TableRef:
		switch {
		case n.Name != nil && n.HasArgs:
			w.function(n.Name.Name)
		case n.Name != nil:
			w.table(n.Name, s)
		}
	case *ast.InExpr:
		switch {
		case n.Table != nil && n.HasArgs:
			w.function(n.Table.Name)
		case n.Table != nil:
			w.table(n.Table, s)
		}
	case *ast.FuncCall:
		w.function(n.Name)
	case *ast.LikeExpr:
		w.function(n.Op) // LIKE, GLOB, REGEXP and MATCH are functions of that name
	case *ast.SelectQuery:
		w.class("select")
	case *ast.ForeignKeyClause:
		w.named(n.Table)
	case *ast.Upsert:
		if !n.DoNothing {
			w.class("update")
		}
	case *ast.SelectStmt, *ast.ValuesClause, *ast.CompoundOp, *ast.ResultColumn, *ast.JoinOperator, *ast.OrderingTerm,
		*ast.Limit, *ast.With, *ast.CTE, *ast.FrameBound, *ast.WindowDef, *ast.SetPair,
		*ast.Ident, *ast.QualifiedName, *ast.QualifiedRef, *ast.Star, *ast.Literal, *ast.BindParam, *ast.BinaryExpr,
		*ast.UnaryExpr, *ast.ParenExpr, *ast.IsExpr, *ast.NullCheckExpr, *ast.BetweenExpr, *ast.CaseExpr, *ast.CaseWhen,
		*ast.CastExpr, *ast.CollateExpr, *ast.ExistsExpr, *ast.SubqueryExpr, *ast.VectorExpr, *ast.RaiseExpr, *ast.TypeName,
		*ast.TableOption, *ast.ColumnDef, *ast.ColumnConstraint, *ast.TableConstraint, *ast.IndexedColumn,
		*ast.ForeignKeyArg, *ast.DeferClause:
	default:
		if !w.statement(n) {
			w.sum.Unknown = append(w.sum.Unknown, strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."))
			return
		}
	}
	w.children(n, s)
}

// statement judges the statements that are no SELECT; ATTACH, DETACH, PRAGMA,
// VACUUM, ANALYZE, REINDEX and virtual tables are not among them.
func (w *sqliteWalker) statement(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.InsertStmt:
		w.class("insert")
		if n.Replace || n.OrConflict == ast.ConflictReplace {
			w.class("delete") // REPLACE deletes the rows in its way
		}
		w.returning(n.Returning)
		w.written(n.Table)
	case *ast.UpdateStmt:
		w.class("update")
		if n.OrConflict == ast.ConflictReplace {
			w.class("delete")
		}
		w.returning(n.Returning)
		w.written(n.Table)
	case *ast.DeleteStmt:
		w.class("delete")
		w.returning(n.Returning)
		w.written(n.Table)
	case *ast.ExplainStmt:
		w.class("explain")
	case *ast.BeginStmt, *ast.CommitStmt, *ast.RollbackStmt, *ast.SavepointStmt, *ast.ReleaseStmt:
		w.class("transaction")
	case *ast.CreateTableStmt:
		w.class("ddl")
		w.written(n.Name)
	case *ast.CreateIndexStmt:
		w.class("ddl")
		// The index lives beside its table, so its schema is the table's.
		w.written(n.Name, &ast.QualifiedName{Schema: n.Name.Schema, Name: n.Table})
	case *ast.CreateViewStmt:
		w.class("ddl")
		w.written(n.Name)
	case *ast.CreateTriggerStmt:
		w.class("ddl")
		w.written(n.Name, n.Table)
	case *ast.AlterTableStmt:
		w.class("ddl")
		w.written(n.Table)
		if n.Action == ast.AlterRenameTable && n.NewName != nil {
			w.named(n.NewName)
		}
	case *ast.DropTableStmt:
		w.class("ddl")
		w.written(n.Name)
	case *ast.DropViewStmt:
		w.class("ddl")
		w.written(n.Name)
	case *ast.DropIndexStmt:
		w.class("ddl")
		w.written(n.Name)
	case *ast.DropTriggerStmt:
		w.class("ddl")
		w.written(n.Name)
	default:
		return false
	}
	return true
}

// returning notes that RETURNING reads rows.
func (w *sqliteWalker) returning(columns []*ast.ResultColumn) {
	if len(columns) > 0 {
		w.class("select")
	}
}

func withScope(n ast.Node, s *sqliteScope) *sqliteScope {
	var with *ast.With
	switch n := n.(type) {
	case *ast.SelectStmt:
		with = n.With
	case *ast.InsertStmt:
		with = n.With
	case *ast.UpdateStmt:
		with = n.With
	case *ast.DeleteStmt:
		with = n.With
	}
	if with == nil {
		return s
	}
	return &sqliteScope{with: with, outer: s}
}

// lowerASCII folds as SQLite compares names: ASCII alone.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
