package gateway

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// lists says for each list which member holds its entries and which of an entry
// is what the rules speak of.
var lists = map[string]struct {
	entries, name string
	class         ostiary.Class
	method        string
	pinned        Kind // as which its entries are pinned, if they are
}{
	"tools/list":               {"tools", "name", ostiary.ClassTool, "tools/call", KindTool},
	"resources/list":           {"resources", "uri", ostiary.ClassResource, "resources/read", ""},
	"resources/templates/list": {"resourceTemplates", "uriTemplate", ostiary.ClassResource, "resources/read", KindTemplate},
	"prompts/list":             {"prompts", "name", ostiary.ClassPrompt, "prompts/get", KindPrompt},
	"tasks/list":               {"tasks", "taskId", ostiary.ClassTask, "tasks/get", ""},
}

// entitled takes out of a list what who asks may not call at all, page by page,
// for clients over HTTP: many people share the server there. An empty page is
// legal. A list that could differ by principal is private (MCP 2026-07-28,
// caching). Whether a call then passes is decided by the call.
func (d *door) entitled(ctx context.Context, q *caller, r *ostiary.Result, reply *wire.Message) error {
	of, isList := lists[q.m.Method]
	if !d.filters() || of.class == ostiary.ClassTask && d.o.tasks == nil || !isList || reply == nil || reply.Kind != wire.KindResult {
		return nil
	}
	book, _, err := d.catalog.wait(ctx, &wire.Message{Era: q.m.Era, Version: q.m.Version})
	if err != nil {
		return err
	}
	all, err := wire.ReadMembers(r.Body)
	if err != nil {
		return err
	}
	raw, err := all.Find(of.entries)
	if err != nil || raw == nil {
		return err
	}
	c := &ostiary.Call{Principal: d.principal(q.on), Class: of.class, Method: of.method}
	kept, differs, err := keep(raw, func(entry []byte) (shown, scoped bool) {
		name, _ := wire.Member(entry, of.name)
		switch c.Target = word(name); {
		case c.Target == "": // what nobody can judge, nobody is shown
			return false, true
		case of.class == ostiary.ClassTask:
			_, mine := d.o.tasks.of(c.Principal.ID, c.Target)
			return mine, true
		case of.name == "uriTemplate":
			c.Target = parseTemplate(c.Target).expand(nil)
		}
		rule := speaks(book, c)
		return policy.Shown(rule, &c.Principal), len(rule.Scopes) > 0
	})
	if err != nil || !differs {
		return err
	}
	set := []wire.Setting{{Name: of.entries, Value: kept}}
	said, err := all.Find("cacheScope")
	if err != nil {
		return err
	}
	if q.m.Era == wire.EraModern || said != nil {
		set = append(set, wire.Setting{Name: "cacheScope", Value: []byte(`"private"`)})
	}
	r.Body, err = wire.Splice(r.Body, all.Edits(0, func(string) bool { return false }, set)...)
	return err
}

// speaks is the rule that speaks for a target.
func speaks(book *policy.Book, c *ostiary.Call) *ostiary.Rule {
	switch c.Class {
	case ostiary.ClassTool:
		return book.ToolFor(c.Target, &c.Principal)
	case ostiary.ClassResource:
		return book.Method(c.Method, c.Class, c.Target)
	default:
		return book.Method(c.Method, c.Class, c.Target)
	}
}

// keep is an array without the entries that are not shown, each of the others as
// it was written; differs says that other people may be shown another one.
func keep(array []byte, judge func(entry []byte) (shown, scoped bool)) (kept []byte, differs bool, err error) {
	entries := json.NewDecoder(bytes.NewReader(array))
	if _, err := entries.Token(); err != nil {
		return nil, false, err
	}
	kept = append(kept, '[')
	for entries.More() {
		var entry json.RawMessage
		if err := entries.Decode(&entry); err != nil {
			return nil, false, err
		}
		shown, scoped := judge(entry)
		differs = differs || scoped || !shown
		if !shown {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, entry...)
	}
	return append(kept, ']'), differs, nil
}
