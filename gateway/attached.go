package gateway

import (
	"context"
	"slices"
	"strings"

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
			q.also(q.d.catalog.base().Resource(sample(c.Target)), true)
		} else {
			q.also(q.d.catalog.base().Method("prompts/get", ostiary.ClassPrompt, c.Target), true)
		}
	case ostiary.ClassSubscribe:
		return q.subscribes(ctx)
	}
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
	if d.o.tasks == nil {
		return
	}
	made, mine := d.o.tasks.of(c.Principal.ID, id)
	if !mine {
		q.also(&ostiary.Rule{Forbid: errTask}, false)
		return
	}
	book := d.catalog.base()
	if made.class == ostiary.ClassTool {
		var err error
		if book, _, err = d.catalog.wait(ctx, &wire.Message{Era: q.m.Era, Version: q.m.Version}); err != nil {
			q.also(&ostiary.Rule{Forbid: ostiary.AsError(err)}, false)
			return
		}
	}
	q.also(speaks(book, &ostiary.Call{Class: made.class, Method: made.method, Target: made.target}), false)
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

// sample is a URI of a template (RFC 6570), by which rows about resources can look
// at the template: each expression is an x, behind what its operator puts there. A
// brace that belongs to no expression stays, and is in no URI.
func sample(template string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(template, "{")
		b.WriteString(before)
		expression, after, closed := strings.Cut(rest, "}")
		switch {
		case !open:
			return b.String()
		case !closed:
			return b.String() + "{" + rest
		}
		if expression != "" && strings.Contains("/.;?&#", expression[:1]) {
			b.WriteByte(expression[0])
		}
		b.WriteByte('x')
		template = after
	}
}
