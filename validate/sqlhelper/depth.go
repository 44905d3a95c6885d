package sqlhelper

import "strings"

// maxDepth bounds how deep a parse tree can get. The WebAssembly build gives the
// parser a stack of 64 KiB that lies ABOVE its static data, so a deeper tree does
// not fail: it overwrites the parser's own memory, and what comes out then, for
// this text and later ones, means nothing. Measured, no construct takes more than
// 400 bytes a level; see docs/decisions/0003-sql-parsers.md.
const maxDepth = 48

// level is what stands between two brackets, or between CASE and END.
type level struct {
	open byte // '(' '[' or 'c' for CASE
	// fixed counts what nests the rest of the level (UNION, JOIN); chain counts the
	// operators since the last comma or AND; child is the deepest bracket since
	// then, best the deepest such stretch.
	fixed, chain, child, best int
}

func (l *level) cut() {
	l.best = max(l.best, l.chain+l.child)
	l.chain, l.child = 0, 0
}

func (l *level) depth() int {
	l.cut()
	return l.fixed + l.best + 1
}

// depthMeter bounds the depth of the tree from the flat list of tokens: at one
// level a tree is at most as deep as there are operators, plus its deepest bracket.
type depthMeter struct{ levels []level }

func newDepthMeter() *depthMeter { return &depthMeter{levels: []level{{}}} }

func (m *depthMeter) top() *level { return &m.levels[len(m.levels)-1] }

func (m *depthMeter) push(open byte) { m.levels = append(m.levels, level{open: open}) }

func (m *depthMeter) pop() {
	if len(m.levels) == 1 {
		return // the grammar refuses it
	}
	d := m.top().depth()
	m.levels = m.levels[:len(m.levels)-1]
	m.top().child = max(m.top().child, d)
}

func (m *depthMeter) close(open byte) {
	for len(m.levels) > 1 && m.top().open == 'c' && open != 'c' {
		m.pop() // a CASE that was a name
	}
	m.pop()
}

func (m *depthMeter) depth() int {
	for len(m.levels) > 1 {
		m.pop()
	}
	return m.top().depth()
}

// token takes the next token; keyword says whether PostgreSQL's scanner calls it
// a keyword and of which kind.
func (m *depthMeter) token(tok string, kind keywordKind) {
	if strings.HasPrefix(tok, "--") || strings.HasPrefix(tok, "/*") {
		return
	}
	if kind != noKeyword {
		m.keyword(strings.ToLower(tok), kind)
		return
	}
	switch c := tok[0]; {
	case c == '(' || c == '[':
		m.push(c)
	case c == ')':
		m.close('(')
	case c == ']':
		m.close('[')
	case tok == ",":
		m.top().cut()
	case tok == ";" && len(m.levels) == 1:
		m.top().cut()
		m.top().best, m.top().fixed = max(m.top().best, m.top().fixed+m.top().best), 0
	case c == '.' || c == '$' || c == '_' || c == '"' || c == '\'' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80:
		// a name or a constant
	default:
		m.top().chain++
	}
}

// keywordKind is pg_query's KeywordKind.
type keywordKind uint64

const (
	noKeyword keywordKind = iota
	unreservedKeyword
	columnNameKeyword
	_ // type or function names: LIKE, IS, JOIN, …
	_ // reserved
)

func (m *depthMeter) keyword(word string, kind keywordKind) {
	switch word {
	case "and", "or":
		m.top().cut()
	case "case":
		m.push('c')
	case "end":
		if m.top().open == 'c' {
			m.close('c')
		}
	case "at", "operator", "between", "not", "like", "ilike", "similar", "is", "isnull", "notnull", "collate", "in", "overlaps", "escape":
		m.top().chain++
	case "select", "from", "where", "as", "order", "group", "having", "limit", "offset", "fetch", "on", "using", "into", "distinct", "all",
		"asc", "desc", "null", "true", "false", "default", "then", "else", "when", "with", "window", "returning", "left", "right", "full",
		"inner", "outer", "cross", "natural", "table", "create", "primary", "unique", "references", "foreign", "check", "constraint",
		"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user", "user",
		"for", "to", "any", "some", "array", "only", "lateral", "do", "variadic":
	default:
		if kind != unreservedKeyword && kind != columnNameKeyword {
			m.top().fixed++
		}
	}
}
