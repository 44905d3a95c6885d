package gateway

import (
	"bytes"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// rewrite takes out of the request what is for the door alone and makes of the
// arguments what the rule orders, before the digest is taken and the gates look.
// A message with nothing to change stays the same bytes; any other is parsed
// again, so that everybody sees exactly what will be sent.
func (q *caller) rewrite(rule *ostiary.Rule) error {
	r := rule.Rewrite
	named := q.c.Class == ostiary.ClassTool && (r.Token != "" || r.DryRun != "" || len(r.Strip) > 0)
	if !named && !q.m.HasOwnMeta && !q.m.HasInputResponses {
		return nil
	}
	meta, err := q.takeMeta()
	if err != nil {
		return err
	}
	params := change{within: q.m.Params}
	if err := q.takeState(&params); err != nil {
		return err
	}
	args := change{within: q.m.Arguments}
	if named {
		if err := q.rewriteArguments(r, &args, &params); err != nil {
			return err
		}
	}
	var edits []wire.Edit
	for _, c := range []change{meta, args, params} {
		more, err := c.edits(q.m)
		if err != nil {
			return err
		}
		edits = append(edits, more...)
	}
	if len(edits) == 0 {
		return nil
	}
	m, err := q.d.spliced(q.m, edits)
	if err != nil {
		return err // q.m stays, and with it whom to answer
	}
	q.m = m
	return nil
}

// spliced is the message with the edits, parsed again.
func (d *door) spliced(m *wire.Message, edits []wire.Edit) (*wire.Message, error) {
	raw, err := wire.Splice(m.Raw, edits...)
	if err != nil {
		return nil, err
	}
	changed, err := wire.Parse(raw, d.o.Limits)
	if err == nil && m.Key != changed.Key && bytes.Equal(m.ID, changed.ID) {
		changed.Key, changed.ProgressKey = m.Key, m.ProgressKey // those of its stream
	}
	return changed, err
}

// takeMeta reads the key and the token in _meta; the token is removed.
func (q *caller) takeMeta() (change, error) {
	meta := change{within: q.m.Meta}
	if !q.m.HasOwnMeta {
		return meta, nil
	}
	all, err := wire.ReadMembers(q.m.Meta)
	if err != nil {
		return meta, err
	}
	key, err := all.Find(wire.MetaKey)
	if err != nil {
		return meta, err
	}
	if key != nil {
		if q.c.Key = stringOf(key); q.c.Key == "" {
			return meta, &ostiary.Error{Code: ostiary.CodeIdempotencyInvalid,
				Message: `the idempotency key in _meta["` + wire.MetaKey + `"] must be a string and not empty`}
		}
	}
	token, err := all.Find(wire.MetaGrant)
	if err != nil || token == nil {
		return meta, err
	}
	meta.drop = []string{wire.MetaGrant}
	return meta, q.present(token, `_meta["`+wire.MetaGrant+`"]`)
}

// withoutToken removes a capability token from a notification, which needs none.
func (d *door) withoutToken(m *wire.Message) (*wire.Message, error) {
	if !m.HasOwnMeta {
		return m, nil
	}
	meta := change{within: m.Meta, drop: []string{wire.MetaGrant}}
	edits, err := meta.edits(m)
	if err != nil {
		return nil, err
	}
	return d.spliced(m, edits)
}

// present takes a capability token from one of its two places.
func (q *caller) present(raw []byte, where string) error {
	token := stringOf(raw)
	switch {
	case string(raw) == "null", string(raw) == `""`:
		return nil
	case token == "":
		return &ostiary.Error{Code: ostiary.CodeWireParams, Message: "the capability token in " + where + " must be a string"}
	case q.c.Token != "" && q.c.Token != token:
		return &ostiary.Error{Code: ostiary.CodeWireParams,
			Message: "the call brings two different capability tokens, one in _meta and one in " + where + ": send one"}
	}
	q.c.Token = token
	return nil
}

// rewriteArguments takes the token, strips what the rule strips and forces the
// dry run off unless the call asks for one.
func (q *caller) rewriteArguments(r ostiary.Rewrite, args, params *change) error {
	if q.m.Arguments == nil {
		if r.DryRun != "" {
			params.set = append(params.set, wire.Setting{Name: "arguments", Value: slices.Concat([]byte("{"), wire.Quote(r.DryRun), []byte(":false}"))})
		}
		return nil
	}
	all, err := wire.ReadMembers(q.m.Arguments)
	if err != nil {
		return err
	}
	for _, name := range append([]string{r.Token, r.DryRun}, r.Strip...) {
		if name == "" {
			continue
		}
		value, err := all.Find(name)
		switch {
		case err != nil:
			return err
		case name == r.DryRun:
			if q.c.DryRun = string(value) == "true"; !q.c.DryRun && string(value) != "false" {
				args.set = append(args.set, wire.Setting{Name: name, Value: []byte("false")})
			}
		case value == nil:
		case name == r.Token:
			if err := q.present(value, "the argument "+name); err != nil {
				return err
			}
			fallthrough
		default:
			args.drop = append(args.drop, name)
		}
	}
	return nil
}

// change is what becomes of one object of the message.
type change struct {
	within []byte
	drop   []string
	set    []wire.Setting
}

func (c *change) edits(m *wire.Message) ([]wire.Edit, error) {
	if len(c.drop) == 0 && len(c.set) == 0 {
		return nil, nil
	}
	at, _, ok := m.Offset(c.within)
	all, err := wire.ReadMembers(c.within)
	if err != nil || !ok {
		return nil, &ostiary.Error{Code: ostiary.CodeWireParams, Err: err, Message: "the message cannot be rewritten as the operator's rule orders and was refused"}
	}
	return all.Edits(at, func(name string) bool { return slices.Contains(c.drop, name) }, c.set), nil
}

// stringOf decodes a JSON string; "" for anything else.
func stringOf(raw []byte) string {
	v, err := wire.Decode(raw)
	if err != nil {
		return ""
	}
	s, _ := v.(string)
	return s
}

// stateMark begins every requestState of the door's own; the gates do not see it.
const stateMark = "ost1."

// takeState takes the door's own requestState with its answers out of a repeated
// request. One of the server's passes on: the door asks before the server sees a
// call, so both are never in one request.
func (q *caller) takeState(params *change) error {
	if !q.m.HasInputResponses {
		return nil
	}
	all, err := wire.ReadMembers(q.m.Params)
	if err != nil {
		return err
	}
	raw, err := all.Find("requestState")
	if err != nil {
		return err
	}
	state := ""
	if raw != nil {
		state = stringOf(raw)
	}
	state, ours := strings.CutPrefix(state, stateMark)
	if !ours {
		return nil
	}
	if q.m.Era != wire.EraModern {
		return &ostiary.Error{Code: ostiary.CodeApprovalState,
			Message: "a requestState belongs to protocol revision 2026-07-28, and this request is of an older one: call again without it"}
	}
	answers, err := all.Find("inputResponses")
	if err != nil {
		return err
	}
	if state == "" {
		return &ostiary.Error{Code: ostiary.CodeApprovalState,
			Message: "the requestState of this call is not one that the door made: make the call anew without it, and a person is asked"}
	}
	q.state = state
	params.drop = append(params.drop, "requestState", "inputResponses")
	q.said, err = replyOf(answers)
	return err
}

// replyOf reads the person's answer among the answers that came with our state.
func replyOf(answers []byte) (ostiary.Reply, error) {
	if answers == nil || string(answers) == "null" {
		return ostiary.ReplyNone, nil
	}
	all, err := wire.ReadMembers(answers)
	if err != nil {
		return ostiary.ReplyNone, err
	}
	ours, err := all.Find(questionKey)
	if err != nil {
		return ostiary.ReplyNone, err
	}
	if all.Len() > 1 || all.Len() == 1 && ours == nil {
		return ostiary.ReplyNone, &ostiary.Error{Code: ostiary.CodeWireParams,
			Message: "inputResponses answers more than the door asked: send the answer to " + questionKey + " alone, with the requestState that came with it"}
	}
	return readReply(ours), nil
}
