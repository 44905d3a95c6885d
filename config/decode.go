package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	ostiary "github.com/ostiary/ostiary"
)

// Pos is a place in the file; both count from 1, columns in characters.
type Pos struct{ Line, Col int }

// decoder reads one file and collects everything that is wrong with it.
type decoder struct {
	name  string
	dir   string
	o     Options
	lines []string
	// loud are the lines that an error may show: those that can hold no secret.
	loud    map[int]bool
	errs    []placedError
	left    int // errors that were not said
	secrets []string
	// returned are those of secrets that no server may send back.
	returned []string
	likely   []likely
}

// failAt notes an error at a place.
func (d *decoder) failAt(at Pos, format string, args ...any) {
	d.failCode(ostiary.CodeConfigInvalid, at, fmt.Sprintf(format, args...))
}

// fail notes an error at a node.
func (d *decoder) fail(n ast.Node, format string, args ...any) {
	d.failAt(nodePos(n), format, args...)
}

func (d *decoder) failCode(code ostiary.Code, at Pos, text string) {
	if len(d.errs) == maxErrors {
		d.left++
		return
	}
	d.errs = append(d.errs, placedError{at, &ostiary.Error{
		Code: code, Message: fmt.Sprintf("%s:%d:%d: %s%s", d.name, at.Line, at.Col, text, d.snippet(at)),
	}})
}

type placedError struct {
	at  Pos
	err error
}

// failed is the number of errors so far.
func (d *decoder) failed() int { return len(d.errs) + d.left }

// err joins the errors in the order of the file; nil if there are none.
func (d *decoder) err() error {
	slices.SortStableFunc(d.errs, func(a, b placedError) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Col, b.at.Col))
	})
	var all []error
	for _, e := range d.errs {
		all = append(all, e.err)
	}
	if d.left > 0 {
		all = append(all, invalid(d.name, "and %d more errors", d.left))
	}
	return errors.Join(all...)
}

// snippet shows the line with a caret, unless the line may hold a secret.
func (d *decoder) snippet(at Pos) string {
	if !d.loud[at.Line] || at.Line > len(d.lines) {
		return ""
	}
	line := []rune(strings.TrimRight(d.lines[at.Line-1], "\r"))
	if len(line) > 160 || at.Col > len(line)+1 {
		return ""
	}
	number := strconv.Itoa(at.Line)
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(line[:at.Col-1]))
	return fmt.Sprintf("\n  %s | %s\n  %*s | %s^", number, string(line), len(number), "", pad)
}

// markLoud finds the lines that an error may show. Sections that may hold
// credentials, and keys that nobody knows, are never shown.
func (d *decoder) markLoud(root ast.Node) {
	d.loud = map[int]bool{}
	m, ok := root.(*ast.MappingNode)
	if !ok {
		return
	}
	d.markKeys(m, len(d.lines), "version", "principals", "scopes", "deny", "rules", "limits", "untrusted", "pin", "audit")
	for i, v := range m.Values {
		// In flow style the end of a secret may stand on the line of another key.
		if within, ok := v.Value.(*ast.MappingNode); ok && keyText(v.Key) == "approvals" && !within.IsFlowStyle && !m.IsFlowStyle {
			end := len(d.lines)
			if i+1 < len(m.Values) {
				end = nodePos(m.Values[i+1].Key).Line - 1
			}
			d.markKeys(within, end, "wait", "expire", "pending", "notify") // not webhook
		}
	}
}

// markKeys makes the lines of some keys of a mapping loud that ends at a line.
func (d *decoder) markKeys(m *ast.MappingNode, last int, keys ...string) {
	shown := func(key string) bool { return slices.Contains(keys, key) }
	for i, v := range m.Values {
		end := last
		if i+1 < len(m.Values) {
			end = nodePos(m.Values[i+1].Key).Line - 1
		}
		for l := nodePos(v.Key).Line; l <= end && shown(keyText(v.Key)); l++ {
			d.loud[l] = true
		}
	}
	for i, v := range m.Values { // in flow style they may share a line
		if !shown(keyText(v.Key)) {
			delete(d.loud, nodePos(v.Key).Line)
			if i+1 < len(m.Values) && m.IsFlowStyle {
				delete(d.loud, nodePos(m.Values[i+1].Key).Line)
			}
		}
	}
}

// hidden stands for what may be a secret.
const hidden = "this"

// show quotes what was written, unless it may be a secret.
func (d *decoder) show(n ast.Node) string {
	if !d.loud[nodePos(n).Line] {
		return hidden
	}
	switch n := n.(type) {
	case *ast.StringNode:
		return strconv.Quote(brief(n.Value))
	case *ast.LiteralNode:
		return "this text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return brief(n.GetToken().Value)
	}
	return hidden
}

// kindOf says in words what was written.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode, nil:
		return "nothing"
	}
	return "something else"
}

// mismatch says that a value is of the wrong kind.
func (d *decoder) mismatch(n ast.Node, want string) {
	switch n.(type) {
	case *ast.NullNode:
		hint := ""
		if n.GetToken().Value == "~" {
			hint = " (a bare ~ means nothing in YAML: write ~/ or put it in quotes)"
		}
		d.fail(n, "nothing is written here: give %s or remove the key%s", want, hint)
	case *ast.MappingNode, *ast.SequenceNode:
		d.fail(n, "expected %s, found %s", want, kindOf(n))
	default:
		d.fail(n, "expected %s, found %s", want, d.describe(n))
	}
}

func (d *decoder) describe(n ast.Node) string {
	if s := d.show(n); s != "this" {
		return kindOf(n) + " (" + s + ")"
	}
	return kindOf(n)
}

// nodePos is where a node begins for a reader: at its first key, not at its
// first colon.
func nodePos(n ast.Node) Pos {
	switch n := n.(type) {
	case nil:
		return Pos{1, 1}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return nodePos(n.Values[0].Key)
		}
		return posOf(n.Start)
	case *ast.MappingValueNode:
		return nodePos(n.Key)
	}
	return posOf(n.GetToken())
}

// keyText is a key as written; a key that is no plain text has its token's.
func keyText(k ast.Node) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	if t := k.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// pairs are the keys and values of a mapping, each key once. ok is false if n
// is no mapping.
func (d *decoder) pairs(n ast.Node, want string) (pairs []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.MappingNode:
		pairs = n.Values
	default:
		d.mismatch(n, want)
		return nil, false
	}
	seen := make(map[string]Pos, len(pairs))
	kept := make([]*ast.MappingValueNode, 0, len(pairs))
	for _, p := range pairs {
		if _, text := p.Key.(*ast.StringNode); !text {
			d.fail(p.Key, "a key must be a text: put %s in quotes", d.show(p.Key))
			continue
		}
		key, at := keyText(p.Key), nodePos(p.Key)
		if first, twice := seen[key]; twice {
			d.failAt(at, "the key %q stands here a second time; the first is in line %d", brief(key), first.Line)
			continue
		}
		seen[key] = at
		kept = append(kept, p)
	}
	return kept, true
}
