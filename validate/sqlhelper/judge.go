package sqlhelper

import "strings"

// judge reads what a node means beyond its children.
func (w *walker) judge(typ string, body map[string]any, s *scope) {
	if _, values := body["valuesLists"]; !values { // VALUES alone reads nothing
		if c := statementClass(typ); c != "" {
			w.class(c)
		}
	}
	if list, ok := body["returningList"].([]any); ok && len(list) > 0 {
		w.class("select") // RETURNING reads rows
	}
	switch typ {
	case "RangeVar":
		if _, named := body["relname"]; named {
			w.table(body, s)
		}
	case "OnConflictClause":
		if text(body, "action") == "ONCONFLICT_UPDATE" {
			w.class("update")
		}
	case "MergeWhenClause":
		w.mergeAction(text(body, "commandType"))
	case "LockingClause":
		w.class("update") // row locks hinder others and need the right to write
	case "FuncCall":
		w.call("function", body["funcname"])
	case "A_Expr":
		w.operator("operator", body["name"])
	case "SubLink":
		if v, ok := body["operName"]; ok {
			w.operator("operator", v)
		}
	case "SortBy":
		if v, ok := body["useOp"]; ok {
			w.operator("operator", v)
		}
	case "RangeTableSample":
		w.call("TABLESAMPLE method", body["method"])
	case "SQLValueFunction":
		w.function("", strings.TrimSuffix(strings.ToLower(strings.TrimPrefix(text(body, "op"), "SVFOP_")), "_n"))
	case "TypeName":
		w.typeName(body["names"])
	case "ColumnRef":
		w.column(body["fields"])
	case "A_Indirection":
		w.indirection(body["indirection"], s)
	case "RangeFunction":
		w.rangeFunction(body)
	case "TransactionStmt":
		w.oneOf("TransactionStmt", text(body, "kind"), "TRANS_STMT_BEGIN", "TRANS_STMT_START", "TRANS_STMT_COMMIT",
			"TRANS_STMT_ROLLBACK", "TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO")
	case "AlterTableStmt":
		w.oneOf("AlterTableStmt", text(body, "objtype"), "OBJECT_TABLE", "OBJECT_VIEW")
	case "AlterTableCmd":
		w.oneOf("AlterTableCmd", text(body, "subtype"), "AT_AddColumn", "AT_DropColumn", "AT_ColumnDefault", "AT_SetNotNull",
			"AT_DropNotNull", "AT_AlterColumnType", "AT_AddConstraint", "AT_DropConstraint", "AT_ValidateConstraint")
	case "RenameStmt":
		w.oneOf("RenameStmt", text(body, "renameType"), "OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_VIEW", "OBJECT_TABCONSTRAINT")
		if k := text(body, "renameType"); k == "OBJECT_TABLE" || k == "OBJECT_VIEW" {
			w.table(map[string]any{"relname": text(body, "newname")}, nil)
		}
	case "DropStmt":
		w.drop(body)
	}
}

func (w *walker) mergeAction(command string) {
	switch command {
	case "CMD_INSERT":
		w.class("insert")
	case "CMD_UPDATE":
		w.class("update")
	case "CMD_DELETE":
		w.class("delete")
	case "CMD_NOTHING":
	default:
		w.unknown("MERGE with %s", command)
	}
}

func (w *walker) oneOf(where, got string, want ...string) {
	for _, s := range want {
		if s == got {
			return
		}
	}
	w.unknown("%s %s", where, got)
}

func (w *walker) typeName(v any) {
	n := w.names("type", v)
	switch {
	case len(n) == 1 && plainType(n[0]), len(n) == 2 && n[0] == "pg_catalog" && plainType(n[1]):
	case len(n) == 1:
		w.function("", n[0])
	case len(n) == 2:
		w.function(n[0], n[1])
	default:
		w.unknown("type %s", strings.Join(n, "."))
	}
}

func (w *walker) column(v any) {
	n := w.names("column", v)
	if len(n) > 1 && n[len(n)-1] != "*" {
		w.qualified = append(w.qualified, [2]string{n[len(n)-2], n[len(n)-1]})
	}
}

// indirection is (x).name, which may call a function of that name on x.
func (w *walker) indirection(v any, s *scope) {
	list, ok := v.([]any)
	if !ok {
		w.unknown("A_Indirection")
		return
	}
	for _, e := range list {
		m, _ := e.(map[string]any)
		if str, isName := m["String"].(map[string]any); isName && len(m) == 1 {
			w.function("", text(str, "sval"))
			continue
		}
		w.any("A_Indirection", e, s)
	}
}

// rangeFunction notes the name that a function in FROM goes by.
func (w *walker) rangeFunction(body map[string]any) {
	alias, _ := body["alias"].(map[string]any)
	name := text(alias, "aliasname")
	declared := make(map[string]bool)
	if list, ok := alias["colnames"]; ok {
		for _, c := range w.names("column names", list) {
			declared[c] = true
		}
	}
	if name == "" {
		if name = w.ownName(body["functions"]); name == "" {
			w.unknown("something in FROM that needs an alias: write FROM … AS name")
			return
		}
	}
	if len(declared) == 0 {
		declared[name] = true // a plain result is a column of the alias's own name
	}
	before, seen := w.inFrom[name]
	if !seen {
		w.inFrom[name] = declared
		return
	}
	for c := range before {
		if !declared[c] {
			delete(before, c)
		}
	}
}

// ownName is the name of the first function of a FROM item.
func (w *walker) ownName(v any) string {
	list, _ := v.([]any)
	if len(list) == 0 {
		return ""
	}
	m, _ := list[0].(map[string]any)
	body, _ := m["List"].(map[string]any)
	items, _ := body["items"].([]any)
	if len(items) == 0 {
		return ""
	}
	m, _ = items[0].(map[string]any)
	call, _ := m["FuncCall"].(map[string]any)
	if call == nil {
		return ""
	}
	n := w.names("function", call["funcname"])
	if len(n) == 0 {
		return ""
	}
	return n[len(n)-1]
}

func (w *walker) drop(body map[string]any) {
	kind := text(body, "removeType")
	w.oneOf("DropStmt", kind, "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_MATVIEW")
	list, _ := body["objects"].([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		l, _ := m["List"].(map[string]any)
		switch n := w.names("DropStmt", l["items"]); len(n) {
		case 1:
			w.table(map[string]any{"relname": n[0]}, nil)
		case 2:
			w.table(map[string]any{"schemaname": n[0], "relname": n[1]}, nil)
		default:
			w.unknown("DropStmt of %s", strings.Join(n, "."))
		}
	}
}
