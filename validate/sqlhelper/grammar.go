package sqlhelper

import "strings"

// grammar is every part of a PostgreSQL 17 parse tree that this package has
// judged: a node type and its fields. A field is followed by "*" where it holds
// nodes or lists of nodes, by ":Type" where it holds one node without its name
// around it, by "!" where the code in postgres.go reads it, and by nothing where
// it holds a plain value. A type or field that is not here is unknown, and
// unknown denies; so a new grammar cannot smuggle anything past this table.
const grammar = `
SelectStmt distinctClause* intoClause:IntoClause targetList* fromClause* whereClause* groupClause* groupDistinct havingClause* windowClause* valuesLists* sortClause* limitOffset* limitCount* limitOption lockingClause* withClause! op all larg:SelectStmt rarg:SelectStmt
InsertStmt relation:RangeVar cols* selectStmt* onConflictClause:OnConflictClause returningList* withClause! override
UpdateStmt relation:RangeVar targetList* whereClause* fromClause* returningList* withClause!
DeleteStmt relation:RangeVar usingClause* whereClause* returningList* withClause!
MergeStmt relation:RangeVar sourceRelation* joinCondition* mergeWhenClauses* returningList* withClause!
MergeWhenClause matchKind commandType override condition* targetList* values*
OnConflictClause action infer:InferClause targetList* whereClause*
InferClause indexElems* whereClause* conname
CommonTableExpr ctename aliascolnames* ctematerialized ctequery* search_clause:CTESearchClause cycle_clause:CTECycleClause
CTESearchClause search_col_list* search_breadth_first search_seq_column
CTECycleClause cycle_col_list* cycle_mark_column cycle_mark_value* cycle_mark_default* cycle_path_column
RangeVar catalogname! schemaname! relname! inh relpersistence alias:Alias
Alias aliasname colnames*
RangeSubselect lateral subquery* alias:Alias
RangeFunction lateral ordinality is_rowsfrom functions* alias:Alias coldeflist*
RangeTableSample relation* method! args* repeatable*
JoinExpr jointype isNatural larg* rarg* usingClause* join_using_alias:Alias quals* alias:Alias
ResTarget name indirection* val*
MultiAssignRef source* colno ncolumns
ColumnRef fields!
ParamRef number
A_Const ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull
A_Expr kind name! lexpr* rexpr*
BoolExpr boolop args*
NullTest arg* nulltesttype
BooleanTest arg* booltesttype
SubLink subLinkType testexpr* operName! subselect*
FuncCall funcname! args* agg_order* agg_filter* over:WindowDef agg_within_group agg_star agg_distinct func_variadic funcformat
NamedArgExpr arg* name argnumber
WindowDef name refname partitionClause* orderClause* frameOptions startOffset* endOffset*
SortBy node* sortby_dir sortby_nulls useOp!
GroupingSet kind content*
GroupingFunc args*
CaseExpr arg* args* defresult*
CaseWhen expr* result*
CoalesceExpr args*
MinMaxExpr op args*
SQLValueFunction op! typmod
TypeCast arg* typeName:TypeName
TypeName names! setof typmods* typemod arrayBounds*
CollateClause arg* collname*
RowExpr args* row_format
A_ArrayExpr elements*
A_Indirection arg* indirection!
A_Indices is_slice lidx* uidx*
A_Star
LockingClause lockedRels! strength waitPolicy
IntoClause rel:RangeVar colNames* onCommit skipData
SetToDefault
List items*
String sval
Integer ival
Float fval
Boolean boolval
BitString bsval
ExplainStmt query* options*
DefElem defname arg* defaction
VariableShowStmt name
TransactionStmt kind! options* savepoint_name chain
TruncateStmt relations* restart_seqs behavior
CreateStmt relation:RangeVar tableElts* constraints* oncommit if_not_exists
ColumnDef colname typeName:TypeName is_local is_not_null raw_default* collClause:CollateClause constraints*
Constraint contype conname deferrable initdeferred skip_validation initially_valid is_no_inherit raw_expr* generated_when nulls_not_distinct keys* including* pktable:RangeVar fk_attrs* pk_attrs* fk_matchtype fk_upd_action fk_del_action fk_del_set_cols*
CreateTableAsStmt query* into:IntoClause objtype if_not_exists
IndexStmt idxname relation:RangeVar accessMethod indexParams* indexIncludingParams* whereClause* unique nulls_not_distinct concurrent if_not_exists
IndexElem name expr* indexcolname collation* ordering nulls_ordering
ViewStmt view:RangeVar aliases* query* replace withCheckOption
AlterTableStmt relation:RangeVar cmds* objtype! missing_ok
AlterTableCmd subtype! name def* behavior missing_ok
DropStmt objects! removeType! behavior missing_ok concurrent
RenameStmt renameType! relationType relation:RangeVar subname newname behavior missing_ok
`

// fields maps a field of one node type to its mark: "", "*", "!" or a type.
type fields map[string]string

// readGrammar reads the table once for a process.
func readGrammar() map[string]fields {
	nodes := make(map[string]fields)
	for line := range strings.Lines(grammar) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		f := make(fields, len(words)-1)
		for _, w := range words[1:] {
			name, typ, typed := strings.Cut(w, ":")
			switch {
			case typed:
				f[name] = typ
			case strings.HasSuffix(w, "*"), strings.HasSuffix(w, "!"):
				f[w[:len(w)-1]] = w[len(w)-1:]
			default:
				f[w] = ""
			}
		}
		nodes[words[0]] = f
	}
	return nodes
}

// statementClass is the class of each statement; one that is not here is unknown.
func statementClass(node string) string {
	switch node {
	case "SelectStmt":
		return "select"
	case "InsertStmt":
		return "insert"
	case "UpdateStmt":
		return "update"
	case "DeleteStmt":
		return "delete"
	case "MergeStmt":
		return "merge"
	case "TruncateStmt":
		return "truncate"
	case "ExplainStmt":
		return "explain"
	case "VariableShowStmt":
		return "show"
	case "TransactionStmt":
		return "transaction"
	case "CreateStmt", "CreateTableAsStmt", "IndexStmt", "ViewStmt", "AlterTableStmt", "DropStmt", "RenameStmt", "IntoClause":
		return "ddl"
	}
	return ""
}

// plainType reports whether a type is one of PostgreSQL's own whose input
// function only reads its text. Types that look names up (reg…), run a parser
// from a library (xml) or are somebody's own count as functions.
func plainType(name string) bool {
	switch name {
	case "bool", "boolean", "int2", "int4", "int8", "smallint", "integer", "bigint", "int", "numeric", "decimal",
		"float4", "float8", "real", "money", "text", "varchar", "bpchar", "char", "name", "bytea", "bit", "varbit",
		"date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb", "inet", "cidr",
		"macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector", "tsquery",
		"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange", "oid", "serial", "bigserial", "smallserial",
		"serial4", "serial8", "serial2":
		return true
	}
	return false
}
