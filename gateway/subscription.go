package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// metaSubscription is the member of _meta that says to which subscription a
// message belongs: its value is the id of that subscriptions/listen (MCP
// 2026-07-28, subscriptions).
const metaSubscription = "io.modelcontextprotocol/subscriptionId"

// errEnded is the end of a subscription at the server's wish.
var errEnded = &ostiary.Error{Code: ostiary.CodeGatewayCancelled, Message: "the server ended the subscription"}

// subscription is what a subscriptions/listen asks to hear.
type subscription struct {
	Tools     bool     `json:"toolsListChanged"`
	Prompts   bool     `json:"promptsListChanged"`
	Resources bool     `json:"resourcesListChanged"`
	URIs      []string `json:"resourceSubscriptions"`
}

// subscriptionOf reads the request; nil if it is another one. What cannot be read
// asks for nothing: the server will refuse it.
func subscriptionOf(m *wire.Message) *subscription {
	if m.Method != "subscriptions/listen" {
		return nil
	}
	var s subscription
	if raw, ok := wire.Member(m.Params, "notifications"); ok && json.Unmarshal(raw, &s) != nil {
		return &subscription{}
	}
	return &s
}

// asked reports whether the subscription is for a notification that names it. The
// update of a resource may be that of a part of the one that was asked for.
func (s *subscription) asked(m *wire.Message) bool {
	switch m.Method {
	case "notifications/resources/updated":
		return len(s.URIs) > 0
	case "notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed":
		return s.wants(m)
	}
	return true
}

// wants reports whether the subscription is for a notification that names none.
func (s *subscription) wants(m *wire.Message) bool {
	switch m.Method {
	case "notifications/tools/list_changed":
		return s.Tools
	case "notifications/prompts/list_changed":
		return s.Prompts
	case "notifications/resources/list_changed":
		return s.Resources
	case "notifications/resources/updated":
		raw, _ := wire.Member(m.Params, "uri")
		uri := word(raw)
		return slices.ContainsFunc(s.URIs, func(of string) bool {
			return uri == of || strings.HasPrefix(uri, strings.TrimSuffix(of, "/")+"/")
		})
	}
	return false
}

// errUnseen says that a notification names what its receiver may not read.
var errUnseen = &ostiary.Error{Code: ostiary.CodePolicyScope,
	Message: "the update of a resource that the client may not read was dropped: its name is not for the client"}

// shows reports whether who hears by a stream may read the resource that an update
// names. A subscription to what lies above it does not open it.
func (d *door) shows(on *stream, m *wire.Message) bool {
	if m.Method != "notifications/resources/updated" {
		return true
	}
	uri, _ := wire.Member(m.Params, "uri")
	who := d.principal(on)
	return policy.Shown(d.catalog.base().Resource(word(uri)), &who)
}

// subscriptionID is the id of the subscription that a message names, as written;
// nil if it names none.
func subscriptionID(m *wire.Message) []byte {
	id, ok := wire.Member(m.Meta, metaSubscription)
	if !ok {
		return nil
	}
	return id
}

// named is a notification with the subscription that it belongs to.
func named(m *wire.Message, id []byte) ([]byte, error) {
	meta := append(append([]byte(`{"`+metaSubscription+`":`), id...), '}')
	of, at, set := m.Raw, 0, wire.Setting{Name: "params", Value: append(append([]byte(`{"_meta":`), meta...), '}')}
	for _, in := range []struct {
		object []byte
		set    wire.Setting
	}{{m.Params, wire.Setting{Name: "_meta", Value: meta}}, {m.Meta, wire.Setting{Name: metaSubscription, Value: id}}} {
		if start, _, ok := m.Offset(in.object); ok {
			of, at, set = in.object, start, in.set
		}
	}
	all, err := wire.ReadMembers(of)
	if err != nil {
		return nil, err
	}
	return wire.Splice(m.Raw, all.Edits(at, func(string) bool { return false }, []wire.Setting{set})...)
}

// tell passes a notification that names no subscription on to those that asked
// for it, each with its own id. It reports whether there is any.
func (l *local) tell(ctx context.Context, m *wire.Message) (heard bool, err error) {
	if m.Method == "notifications/message" {
		on := l.hearsLog(m)
		if on != nil {
			l.d.reply(ctx, on, m.Raw)
		}
		return on != nil, nil
	}
	l.mu.Lock()
	var to []*renamed
	for _, q := range l.open {
		if q.listens != nil && q.listens.wants(m) && l.d.shows(q.on, m) {
			to = append(to, q)
		}
	}
	l.mu.Unlock()
	for _, q := range to {
		raw, err := named(m, q.m.ID)
		if err != nil {
			return true, err
		}
		l.d.reply(ctx, q.on, raw)
	}
	return len(to) > 0, nil
}

// subscriptionEnded ends a subscription that the server has ended: the client's
// stream closes, or it is told where it has none (MCP 2026-07-28, subscriptions).
func (d *door) subscriptionEnded(key string, id []byte, on *stream) {
	cancelled := wire.Cancelled(id, errEnded.Message)
	if p, _ := d.down.withdraw(key, cancelled, errEnded); p != nil && on == nil {
		d.replyNow(nil, cancelled)
	}
}
