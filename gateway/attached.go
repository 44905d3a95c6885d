package gateway

import (
	"context"
	"slices"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// attached adds to the rule of a request that of what it names and would reach by a
// side way: the tool behind a task, the prompt or resource whose arguments are
// completed, the resources and tasks to which it subscribes.
func (q *caller) attached(ctx context.Context) error {
	c := q.c
	switch c.Class {
	case ostiary.ClassTask, ostiary.ClassTaskInput:
		if c.Method != "tasks/list" {
			q.task(ctx, c.Target)
		}
	case ostiary.ClassCompletion:
		ref, _ := wire.Member(q.m.Params, "ref")
		if _, isURI := wire.Member(ref, "uri"); isURI {
			return q.completes()
		}
		q.also(q.d.catalog.base().Method("prompts/get", ostiary.ClassPrompt, c.Target), true)
	case ostiary.ClassSubscribe:
		return q.subscribes(ctx)
	}
	return nil
}

// completes looks at the resource whose variable is completed: at the one that the
// template makes of the values so far, and at one that begins so. What the rows make
// of its URI, such as a part that leads elsewhere, holds for the value that is in it.
func (q *caller) completes() error {
	template := parseTemplate(q.c.Target)
	values := map[string]string{}
	around, err := inside(q.m.Params, "context")
	if err != nil {
		return err
	}
	if around, err = inside(around, "arguments"); err != nil {
		return err
	}
	argument, err := inside(q.m.Params, "argument")
	if err != nil {
		return err
	}
	if len(around) > 0 && around[0] == '{' {
		v, err := wire.Decode(around)
		if err != nil {
			return err
		}
		for name, value := range v.(map[string]any) {
			values[name], _ = value.(string)
		}
	}
	name, _ := wire.Member(argument, "name")
	value, _ := wire.Member(argument, "value")
	book := q.d.catalog.base()
	look := func() {
		for _, t := range []uriTemplate{template, template.whole()} { // who does not know prefixes takes all of a value
			q.also(book.Resource(t.expand(values)), true)
		}
	}
	if so := word(value); so != "" {
		values[word(name)] = so
		look()
	}
	values[word(name)] = word(value) + "x"
	look()
	return nil
}

// subscribes looks at the resources and tasks of a subscriptions/listen.
func (q *caller) subscribes(ctx context.Context) error {
	wanted, err := inside(q.m.Params, "notifications")
	if err != nil {
		return err
	}
	for _, from := range [][]byte{q.m.Params, wanted} {
		uris, err := names(from, "resourceSubscriptions")
		if err != nil {
			return err
		}
		for _, uri := range uris {
			q.also(q.d.catalog.base().Resource(uri), true)
		}
		ids, err := names(from, "taskIds")
		if err != nil {
			return err
		}
		for _, id := range ids {
			q.task(ctx, id)
		}
	}
	return nil
}

// inside is a member of an object, nil if it has none. One whose name is written in
// another case is refused: to some servers it is this one.
func inside(object []byte, member string) ([]byte, error) {
	if len(object) == 0 || object[0] != '{' {
		return nil, nil
	}
	all, err := wire.ReadMembers(object)
	if err != nil {
		return nil, err
	}
	return all.Find(member)
}

// names reads a list of names; what is none cannot be judged.
func names(from []byte, member string) ([]string, error) {
	raw, err := inside(from, member)
	if err != nil || raw == nil || string(raw) == "null" {
		return nil, err
	}
	bad := &ostiary.Error{Code: ostiary.CodeWireParams, Message: member + " must be a list of names: send texts that are not empty"}
	v, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, bad
	}
	all := make([]string, len(list))
	for i, one := range list {
		if all[i], _ = one.(string); all[i] == "" {
			return nil, bad
		}
	}
	return all, nil
}

// task refuses a task that is not the caller's. What it says is what its tool says,
// so its caller needs what the tool needs.
func (q *caller) task(ctx context.Context, id string) {
	d, c := q.d, q.c
	made, mine := d.made.of(c.Principal.ID, id)
	switch {
	case !mine && d.o.tasks != nil:
		q.also(&ostiary.Rule{Forbid: errTask}, false)
		return
	case !mine:
		return
	}
	book, of := d.catalog.base(), tool{}
	if made.class == ostiary.ClassTool {
		var err error
		if book, of, err = d.catalog.wait(ctx, &wire.Message{Era: q.m.Era, Version: q.m.Version, Name: made.target}); err != nil {
			q.also(&ostiary.Rule{Forbid: ostiary.AsError(err)}, false)
			return
		}
	}
	runs := &ostiary.Call{Class: made.class, Method: made.method, Target: made.target}
	rule := speaks(book, runs)
	if d.o.tasks != nil {
		q.also(rule, false)
	}
	if c.Class == ostiary.ClassTask && !made.mixed {
		treatedAs(c, of, rule)
	}
}

// also makes the rule of the call as strict as another one: what that forbids, the
// scopes that it needs and, where the call is about the same, its deny rows.
func (q *caller) also(other *ostiary.Rule, deny bool) {
	rule := q.c.Rule
	if rule.Forbid != nil || other.Forbid == nil && len(other.Scopes) == 0 && len(other.Deny) == 0 {
		return
	}
	made := *rule
	made.Forbid = other.Forbid
	made.Scopes = slices.Clone(made.Scopes)
	for _, s := range other.Scopes {
		if !other.ReportOnly && !slices.Contains(made.Scopes, s) {
			made.Scopes = append(made.Scopes, s)
		}
	}
	if deny {
		made.Deny = slices.Concat(made.Deny, other.Deny)
	}
	q.c.Rule = &made
}
