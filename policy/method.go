package policy

import (
	"context"
	"fmt"
	"sync"

	"github.com/ostiary/ostiary"
)

const (
	toolMethod     = "tools/call"
	resourceMethod = "resources/read"
)

// maxRemembered is how many answers about resources and methods a book remembers;
// their names come from outside, so the memory is emptied when it is full.
const (
	maxRemembered      = 1024
	maxRememberedBytes = 1024
)

// classDefault is what holds for a class of methods where no row speaks.
type classDefault struct {
	known, allowed, closed bool
	why                    string
}

// defaultOf knows every class that carries something; any other is refused.
func defaultOf(class ostiary.Class) classDefault {
	closed := func(why string) classDefault { return classDefault{known: true, allowed: true, closed: true, why: why} }
	open := func(why string) classDefault { return classDefault{known: true, allowed: true, why: why} }
	switch class {
	case ostiary.ClassControl:
		return closed("the handshake carries nothing of the outside world")
	case ostiary.ClassList:
		return closed("a list of what the server offers")
	case ostiary.ClassNotification:
		return closed("a notification asks for nothing")
	case ostiary.ClassResource:
		return open("a resource is read")
	case ostiary.ClassPrompt:
		return open("a prompt is read")
	case ostiary.ClassCompletion:
		return open("a completion is read")
	case ostiary.ClassSubscribe:
		return open("a subscription reads")
	case ostiary.ClassTask:
		return open("a task's state is read")
	case ostiary.ClassTaskInput, ostiary.ClassAnswer:
		return open("an answer to the server leaves with what the client puts into it")
	case ostiary.ClassRoots:
		return open("the server learns the client's roots")
	case ostiary.ClassElicitation:
		return open("the person sees a form of the server and its source")
	case ostiary.ClassSampling:
		return classDefault{known: true, why: "the server would use the client's model"}
	}
	return classDefault{why: "nothing is known about the method"}
}

// otherBook answers about everything that is not a tool.
type otherBook struct {
	policy    *Policy
	upstream  string
	resources kindBook
	methods   kindBook

	mu         sync.RWMutex
	remembered map[question]*ostiary.Rule
}

type question struct {
	class          ostiary.Class
	method, target string
}

type kindBook struct {
	rows slice[Row]
	deny slice[DenyRow]
	// Rows and deny rows compile when first needed: a policy may have thousands.
	compiled []onceRule
	denied   []onceDeny
}

type onceRule struct {
	once sync.Once
	rule *ostiary.Rule
}

type onceDeny struct {
	once      sync.Once
	condition *ostiary.Condition
}

func newOtherBook(p *Policy, upstream string) *otherBook {
	of := func(k Kind) kindBook {
		b := kindBook{
			rows: cut(p.rows[k].rows, p.rows[k].patterns, upstream),
			deny: cut(p.deny[k].rows, p.deny[k].patterns, upstream),
		}
		b.compiled, b.denied = make([]onceRule, len(b.rows.rows)), make([]onceDeny, len(b.deny.rows))
		return b
	}
	return &otherBook{
		policy: p, upstream: upstream, resources: of(Resource), methods: of(Method),
		remembered: map[question]*ostiary.Rule{},
	}
}

// Resource returns the rule for reading a resource, never nil.
func (b *Book) Resource(uri string) *ostiary.Rule {
	return b.Method(resourceMethod, ostiary.ClassResource, uri)
}

// Method returns the rule of any method, never nil: the tool's for tool calls, the
// resource's for resources (a resource: row, else a method: row), else the most
// specific method: row, else what holds for the class. Subscriptions to resources have
// the rows for resources/read where none names them, and all of its deny rows. For elicitation the target
// is its mode, "form" or "url".
func (b *Book) Method(method string, class ostiary.Class, target string) *ostiary.Rule {
	switch {
	case class == ostiary.ClassTool:
		return b.Tool(target)
	case b == nil:
		return noCatalog()
	}
	if rule := b.outside(class, target); rule != nil {
		return rule
	}
	if class != ostiary.ClassResource && class != ostiary.ClassElicitation {
		target = "" // does not decide
	}
	return b.other.answer(question{class, method, target})
}

func (o *otherBook) answer(q question) *ostiary.Rule {
	if len(q.method)+len(q.target) > maxRememberedBytes {
		return o.compose(q)
	}
	o.mu.RLock()
	rule := o.remembered[q]
	o.mu.RUnlock()
	if rule != nil {
		return rule
	}
	rule = o.compose(q)
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.remembered) >= maxRemembered {
		clear(o.remembered)
	}
	o.remembered[q] = rule
	return rule
}

func (o *otherBook) compose(q question) *ostiary.Rule {
	var rule *ostiary.Rule
	if q.class == ostiary.ClassResource {
		if o.textDecides(q.method) || q.method != resourceMethod && o.textDecides(resourceMethod) {
			if err := normalURI(q.target); err != nil {
				return abnormal(err)
			}
		}
		rule = o.written(&o.resources, q, q.target)
	}
	if rule == nil {
		rule = o.written(&o.methods, q, q.method)
	}
	// Who subscribes to a resource learns of it, so what holds for reading holds too.
	subscribes := q.class == ostiary.ClassResource && q.method != resourceMethod
	if rule == nil && subscribes {
		rule = o.written(&o.methods, q, resourceMethod)
	}
	if rule == nil {
		rule = o.unwritten(q)
	}
	made := *rule // rows are shared, the deny rows differ from target to target
	if q.class == ostiary.ClassResource {
		made.Deny = o.denied(made.Deny, &o.resources, q.target)
	}
	made.Deny = o.denied(made.Deny, &o.methods, q.method)
	if subscribes {
		made.Deny = o.denied(made.Deny, &o.methods, resourceMethod)
	}
	return &made
}

// written returns the rule of the row that speaks, nil if none does.
func (o *otherBook) written(k *kindBook, q question, target string) *ostiary.Rule {
	id := k.rows.best(target)
	if id < 0 || q.class == ostiary.ClassMalformed {
		return nil
	}
	slot, row := &k.compiled[id], k.rows.rows[id]
	slot.once.Do(func() { slot.rule = o.compile(row) })
	if slot.rule.Forbid != nil || row.Effect != ostiary.EffectUnknown {
		return slot.rule
	}
	rule := *slot.rule // the row leaves effect and world to the class
	rule.Effect, rule.EffectWhy = ostiary.EffectWrite, "the rule names no effect, and nothing is known about the method"
	if d := defaultOf(q.class); d.known {
		rule.Effect, rule.EffectWhy = ostiary.EffectRead, d.why
		rule.Closed = rule.Closed || d.closed
	}
	return &rule
}

func (o *otherBook) compile(row *Row) *ostiary.Rule {
	nothing := ostiary.Tool{Upstream: o.upstream}
	c := &compiler{Policy: o.policy, upstream: o.upstream, types: map[string]*argTypes{}}
	rule := &ostiary.Rule{
		Pattern: row.Pattern, Source: row.Source, Closed: row.Closed,
		Effect: row.Effect, EffectWhy: "the rule says so",
	}
	if err := c.fill(rule, row, nothing); err != nil {
		return &ostiary.Rule{
			Pattern: row.Pattern, Source: row.Source, Effect: ostiary.EffectDestructive, EffectWhy: "the rule does not compile",
			Forbid: &ostiary.Error{
				Code: ostiary.CodePolicyRule, Reason: fmt.Sprintf("%s: %v", row.Source, err),
				Message: "the rule for this method does not compile, so it is refused: the operator runs ostiary policy lint, which names the row and the error",
			},
		}
	}
	switch {
	case row.Approve:
		rule.Ask, rule.AskNext = asksAlways(row, row.Pattern)
	case row.Effect.Asks() && row.Effect != ostiary.EffectUnknown && !row.Unapproved:
		rule.Ask, rule.AskNext = asksForEffect(row, row.Effect, row.Pattern)
	}
	return rule
}

// unwritten is what holds for the class.
func (o *otherBook) unwritten(q question) *ostiary.Rule {
	d := defaultOf(q.class)
	if q.class == ostiary.ClassElicitation && q.target != "form" {
		d.allowed, d.why = false, "a link of the server would be opened by the person"
	}
	if d.allowed {
		return &ostiary.Rule{Effect: ostiary.EffectRead, EffectWhy: d.why, Closed: d.closed}
	}
	return &ostiary.Rule{
		Effect: ostiary.EffectDestructive, EffectWhy: d.why,
		Forbid: &ostiary.Error{
			Code: ostiary.CodePolicyMethod,
			Message: fmt.Sprintf("the method %s is refused because %s and no rule allows it. To allow it the operator adds to the policy: rules: [{method: %s}]",
				quoted(q.method), d.why, scalar(o.upstream+"/"+q.method)),
		},
	}
}

// denied appends the deny rows of a kind that concern a target. One that does not
// compile holds always.
func (o *otherBook) denied(conditions []ostiary.Condition, k *kindBook, target string) []ostiary.Condition {
	conditions = conditions[:len(conditions):len(conditions)]
	for _, id := range k.deny.all(target) {
		slot, d := &k.denied[id], k.deny.rows[id]
		slot.once.Do(func() {
			var rule ostiary.Rule
			c := &compiler{Policy: o.policy, upstream: o.upstream, types: map[string]*argTypes{}}
			if err := c.addDeny(&rule, d, k.deny.patterns[id], ostiary.Tool{Upstream: o.upstream}); err != nil {
				failed := d.condition(nil, nil)
				failed.Always = false
				failed.Holds = func(context.Context, *ostiary.Call) (bool, error) { return false, err }
				slot.condition = &failed
			} else if len(rule.Deny) > 0 {
				slot.condition = &rule.Deny[0]
			}
		})
		if slot.condition != nil {
			conditions = append(conditions, *slot.condition)
		}
	}
	return conditions
}
