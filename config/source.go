package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a file. The parser below recurses by nesting and takes time
// quadratic in the keys of one mapping and in the values that are left out, so
// they are bounded before it starts.
const (
	maxBytes   = 4 << 20
	maxTokens  = 1 << 19
	maxHoles   = 256  // places without a value
	maxNesting = 64   // brackets inside brackets
	maxIndent  = 256  // columns at which a block may begin
	maxKeys    = 4096 // in one mapping
	maxErrors  = 100  // said at once
)

// parseSource reads the bytes as one YAML document without any of the parts of
// YAML that make two readers see two things. It returns nil for a file without
// content; what it refuses is in d.errs.
func (d *decoder) parseSource(data []byte) ast.Node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !d.checkBytes(data) {
		return nil
	}
	d.lines = strings.Split(string(data), "\n")
	if !d.checkIndentation() {
		return nil
	}
	tokens, ok := d.checkTokens(lexer.Tokenize(string(data)))
	if !ok {
		return nil
	}
	f, err := d.parseTokens(tokens)
	if err != nil {
		d.syntax(err)
		return nil
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil && len(f.Docs) == 1 {
		return nil
	}
	if len(f.Docs) > 1 {
		at := Pos{1, 1}
		if s := f.Docs[1].Start; s != nil {
			at = posOf(s)
		}
		d.failAt(at, "a second document begins here: one file holds one policy; remove the \"---\"")
		return nil
	}
	return f.Docs[0].Body
}

// checkBytes refuses what no text editor shows as it is: a reader of the policy
// must see what the door sees.
func (d *decoder) checkBytes(data []byte) bool {
	if len(data) > maxBytes {
		d.failAt(Pos{1, 1}, "the file has %d bytes; at most 4 MiB are read: split the policy by upstream", len(data))
		return false
	}
	at := Pos{1, 1}
	for i := 0; i < len(data); {
		r, n := rune(data[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(data[i:])
		}
		switch {
		case r == utf8.RuneError && n == 1:
			d.failAt(at, "byte 0x%02x is not UTF-8: save the file as UTF-8", data[i])
			return false
		case r == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			d.failAt(at, "a carriage return that ends no line: use \\n or \\r\\n as line ends")
			return false
		case r < ' ' && r != '\n' && r != '\t' && r != '\r', r == 0x7f, r >= 0x80 && r <= 0x9f:
			d.failAt(at, "control character U+%04X: remove it, or write it as an escape in a double-quoted text", r)
			return false
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029, r == 0xfeff:
			d.failAt(at, "invisible character U+%04X makes the file read differently from what it says: remove it", r)
			return false
		case r == '\n':
			at = Pos{at.Line + 1, 0}
		}
		at.Col++
		i += n
	}
	return true
}

// checkIndentation explains tabs, which YAML forbids there.
func (d *decoder) checkIndentation() bool {
	ok := true
	for i, line := range d.lines {
		rest := strings.TrimLeft(line, " \t")
		tab := strings.IndexByte(line[:len(line)-len(rest)], '\t')
		if tab < 0 || rest == "" || rest == "\r" || rest[0] == '#' {
			continue
		}
		d.failAt(Pos{i + 1, tab + 1}, "a tab indents this line: YAML is indented by spaces")
		ok = false
	}
	return ok
}

// checkTokens bounds depth and width, refuses the parts of YAML that are told by
// one token, and mends colons inside brackets.
func (d *decoder) checkTokens(tokens token.Tokens) (token.Tokens, bool) {
	if len(tokens) > maxTokens {
		d.failAt(Pos{1, 1}, "the file has more than %d parts: split the policy by upstream", maxTokens)
		return nil, false
	}
	var open []token.Type       // brackets
	var keys [maxIndent + 1]int // of the mapping that is open at each column
	holes := 0
	tokens = slices.DeleteFunc(tokens, func(t *token.Token) bool { return t.Type == token.CommentType })
	kept := make(token.Tokens, 0, len(tokens))
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		at := posOf(t)
		if why := refusedToken(t); why != "" {
			d.failAt(at, "%s", why)
			return nil, false
		}
		if isHole(tokens, i) {
			if holes++; holes > maxHoles {
				d.failAt(at, "more than %d places without a value", maxHoles)
				return nil, false
			}
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			if open = append(open, t.Type); len(open) > maxNesting {
				d.failAt(at, "nested too deeply: nothing here needs more than %d brackets", maxNesting)
				return nil, false
			}
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(0, len(open)-1)]
		case token.SequenceEntryType, token.MappingValueType:
			if len(open) > 0 {
				if t.Type == token.MappingValueType && len(kept) > 0 && i+1 < len(tokens) {
					merged, ok := d.colon(kept[len(kept)-1], t, tokens[i+1], open[len(open)-1])
					if !ok {
						return nil, false
					}
					if merged != nil {
						kept[len(kept)-1] = merged
						i++
						continue
					}
				}
				break
			}
			at = begin(tokens, i)
			if at.Col > maxIndent {
				d.failAt(at, "nested too deeply: nothing here needs more than %d columns", maxIndent)
				return nil, false
			}
			clear(keys[at.Col+1:])
			if t.Type == token.SequenceEntryType {
				keys[at.Col] = 0
			} else if keys[at.Col]++; keys[at.Col] > maxKeys {
				d.failAt(at, "more than %d keys in one mapping", maxKeys)
				return nil, false
			}
		case token.StringType:
			if len(open) > 0 && strings.HasSuffix(t.Value, ":") {
				d.failAt(at, "%s", colonHint)
				return nil, false
			}
		}
		kept = append(kept, t)
	}
	for i, t := range kept {
		t.Prev, t.Next = nil, nil
		if i > 0 {
			t.Prev, kept[i-1].Next = kept[i-1], t
		}
	}
	return kept, true
}

// isHole reports whether the key, dash or comma at i is followed by no value.
func isHole(tokens token.Tokens, i int) bool {
	switch t := tokens[i]; t.Type {
	case token.MappingValueType, token.SequenceEntryType, token.CollectEntryType, token.SequenceStartType, token.MappingStartType:
		if i+1 == len(tokens) {
			return true
		}
		next := tokens[i+1]
		switch next.Type {
		case token.CollectEntryType, token.DocumentHeaderType, token.DocumentEndType:
			return true
		case token.MappingEndType, token.SequenceEndType:
			return t.Type == token.MappingValueType
		}
		if t.Type != token.MappingValueType && t.Type != token.SequenceEntryType {
			return false
		}
		base, at := begin(tokens, i), posOf(next)
		list := t.Type == token.MappingValueType && next.Type == token.SequenceEntryType && at.Col == base.Col
		return at.Line > base.Line && at.Col <= base.Col && !list
	}
	return false
}

// begin is where the entry that token i belongs to begins: a colon's key.
func begin(tokens token.Tokens, i int) Pos {
	if tokens[i].Type == token.MappingValueType && i > 0 {
		return posOf(tokens[i-1])
	}
	return posOf(tokens[i])
}

const colonHint = "other readers of YAML take this for a key: put a text that ends with a colon, or with a colon before a bracket or quote, in quotes"

// colon decides about a colon inside brackets without a space behind it, as in
// {scopes: [fs:read]}. YAML 1.2 reads a text; the scanner reads a key if there is
// a brace somewhere outside. Among the items of a list the text is put together
// again; between braces the person has to say what is meant.
func (d *decoder) colon(before, colon, after *token.Token, in token.Type) (*token.Token, bool) {
	b, c, a := posOf(before), posOf(colon), posOf(after)
	if !isPlain(before) || a.Line != c.Line || a.Col != c.Col+1 {
		return nil, true
	}
	switch {
	case in == token.MappingStartType && (after.Type == token.CollectEntryType || after.Type == token.MappingEndType):
		return nil, true // {key:}, a key without a value
	case in == token.MappingStartType:
		d.failAt(c, "put a space behind the colon between a key and its value")
		return nil, false
	case !isPlain(after) || b.Line != c.Line || b.Col+utf8.RuneCountInString(before.Value) != c.Col:
		d.failAt(b, "%s", colonHint)
		return nil, false
	}
	text := before.Value + ":" + after.Value
	return token.New(text, before.Origin+":"+after.Origin, before.Position), true
}

// isPlain reports whether a token is a scalar without quotes.
func isPlain(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType,
		token.FloatType, token.BoolType, token.NullType, token.InfinityType, token.NanType:
		return true
	}
	return false
}

// refusedToken says why a part of YAML is not read; empty if it is.
func refusedToken(t *token.Token) string {
	switch t.Type {
	case token.AnchorType:
		return "anchors (&) are not read: write the value out where it is used; a text that begins with & must be in quotes"
	case token.AliasType:
		return "aliases (*) are not read: a text that begins with * must be in quotes, such as \"*/*\""
	case token.MergeKeyType:
		return "merge keys (<<) are not read: write the keys out where they are used"
	case token.TagType:
		return "tags (!) are not read: write a text in quotes, a number without; a text that begins with ! must be in quotes"
	case token.DirectiveType:
		return "directives (%) are not read: a policy is YAML 1.2; a text that begins with % must be in quotes"
	case token.MappingKeyType:
		return "keys with \"? \" are not read: write \"key: value\""
	}
	return ""
}

// parseTokens turns a panic of the parser into the error that the file has.
func (d *decoder) parseTokens(tokens token.Tokens) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("this is not YAML that can be read (%v)", r)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// syntax reports the parser's error without its copy of the source, which may
// hold a secret.
func (d *decoder) syntax(err error) {
	at, text := Pos{1, 1}, err.Error()
	if e, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	}); ok {
		text = e.GetMessage()
		if t := e.GetToken(); t != nil {
			at = posOf(t)
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	d.failAt(at, "%s%s", text, syntaxHint(text))
}

func syntaxHint(text string) string {
	switch {
	case strings.Contains(text, "mapping value is not allowed"):
		return ": put a text that contains \": \" in quotes"
	case strings.Contains(text, "reserved character"):
		return ": put the text in quotes"
	case strings.Contains(text, "value is not allowed in this context"):
		return ": check the indentation"
	}
	return ""
}

// posOf is where a token begins.
func posOf(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// brief is a text short enough for a message.
func brief(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
