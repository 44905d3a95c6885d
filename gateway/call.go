package gateway

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

const noRandomness = "no-randomness"

// newCall makes a call that has no rule yet, which denies.
func (d *door) newCall(method string, class ostiary.Class, on *stream) *ostiary.Call {
	id, err := d.ids.call()
	if err != nil {
		// Without randomness a record still needs a name; the order of the log
		// keeps such calls apart.
		id = noRandomness
	}
	c := &ostiary.Call{
		ID: id, Received: d.o.Now(), Principal: d.principal(on), Session: d.o.Session,
		Address: on.from(), Upstream: d.o.Upstream, View: d.o.View, Method: method, Class: class,
	}
	if class != ostiary.ClassMalformed {
		c.Server = d.identityDigest(context.Background())
	}
	return c
}

// principal is who speaks by a stream: each request over HTTP proves it anew, and
// may hold other scopes than the one that opened the door.
func (d *door) principal(on *stream) ostiary.Principal {
	if on != nil {
		return on.who
	}
	return d.o.Principal
}

// from is the address that a stream's requests come from; "" where there is none.
func (s *stream) from() string {
	if s == nil {
		return ""
	}
	return s.address
}

// judgeable makes the one Call of a client's request, rewritten as its rule
// orders. For tools it waits until the upstream's catalog is known. With an error
// the call holds nothing of the message that could not be judged.
func (q *caller) judgeable(ctx context.Context) error {
	d, m := q.d, q.m
	c := &ostiary.Call{
		ID: q.callID, Received: d.o.Now(), Principal: d.principal(q.on), Session: d.o.Session,
		Address: q.on.from(), Upstream: d.o.Upstream, View: d.o.View, Method: m.Method, Class: q.class, Target: m.Name, Caller: q,
	}
	q.c = c
	if m.Version != "" {
		if _, known := wire.EraOf(m.Version); !known {
			c.Rule = &ostiary.Rule{Forbid: unknownVersion(m.Version)}
		}
	}
	if c.Class == ostiary.ClassTool && c.Rule == nil {
		book, tool, err := d.catalog.wait(ctx, m)
		c.InputSchema, c.OutputSchema, c.Definition = tool.schema, tool.output, tool.definition
		if q.parameters = tool.parameters; q.checksHeader() {
			if err := checkParameters(q.on.header, q.parameters, m.Arguments); err != nil {
				return err
			}
		}
		if err != nil {
			c.Rule = &ostiary.Rule{Forbid: ostiary.AsError(err)}
		} else {
			d.ruleFor(c, book)
		}
	}
	if c.Rule == nil {
		d.ruleFor(c, d.catalog.base())
	}
	var err error
	if c.Server, err = d.serverFor(ctx, m, c.Class); err != nil {
		return err
	}
	if err := q.attached(ctx); err != nil {
		return err
	}
	if err := q.shelved(ctx); err != nil {
		c.Rule = &ostiary.Rule{Forbid: ostiary.AsError(err)}
	}
	if c.Class == ostiary.ClassSubscribe && c.Rule.Timeout == 0 {
		lasting := *c.Rule
		lasting.Timeout = subscriptionTime
		c.Rule = &lasting
	}
	if err := q.rewrite(c.Rule); err != nil {
		return err
	}
	if err := misplaced(q.m); err != nil {
		if hasToken([]byte(c.Target)) {
			c.Target = ""
		}
		return err
	}
	c.Meta = q.m.Meta
	if q.m.HasInputResponses {
		c.Closed = false // what the client's side knows leaves for the upstream
	}
	if c.Class != ostiary.ClassTool && c.Class != ostiary.ClassPrompt {
		return setArguments(c, q.m.Params)
	}
	if err := setArguments(c, q.m.Arguments); err != nil || !q.m.HasBeside {
		return err
	}
	return setBeside(c, q.m.Params)
}

// checksHeader reports whether the request has a header that must say what it says
// itself. The door's own dry run has that of the call, with other arguments.
func (q *caller) checksHeader() bool {
	return q.on != nil && !q.preview && q.m.Era == wire.EraModern
}

// subscriptionTime bounds subscriptions/listen, which is answered when the
// subscription ends, where no rule names a time.
const subscriptionTime = 24 * time.Hour

// messageCall makes the Call of a message that is no request of the client.
func (d *door) messageCall(m *wire.Message, from wire.Direction, on *stream, body []byte) (*ostiary.Call, error) {
	c := d.newCall(m.Method, wire.Describe(m.Method, from).Class, on)
	c.Target, c.Meta = m.Name, m.Meta
	if err := setArguments(c, body); err != nil {
		return nil, err
	}
	if c.Class == ostiary.ClassElicitation {
		c.Target = m.ElicitationMode
	}
	d.ruleFor(c, d.catalog.base())
	return c, nil
}

// ruleFor puts the one row that speaks for the target into the call.
func (d *door) ruleFor(c *ostiary.Call, book *policy.Book) {
	c.Rule = speaks(book, c)
	c.Effect, c.Closed = c.Rule.Effect, c.Rule.Closed
}

func setArguments(c *ostiary.Call, raw []byte) error {
	c.Arguments = raw
	if raw == nil {
		return nil
	}
	var err error
	c.Args, c.Digest, err = wire.DecodeDigest(raw)
	return err
}

// setBeside puts into the call what params has beside name, arguments and _meta.
// It reaches the server, so it is part of what the call is, and a call with it is
// not one that a person need not see because its arguments ask for a dry run.
func setBeside(c *ostiary.Call, params []byte) error {
	all, err := wire.ReadMembers(params)
	if err != nil {
		return err
	}
	c.Beside = all.Rest("name", "arguments", "_meta")
	args, sum, err := wire.DecodeDigest(c.Beside)
	if err != nil {
		return err
	}
	c.BesideArgs, c.DryRun = args, false
	both := append([]byte("ostiary arguments and beside 1"), c.Digest[:]...)
	c.Digest = sha256.Sum256(append(both, sum[:]...))
	return nil
}

func unknownVersion(v string) *ostiary.Error {
	return &ostiary.Error{
		Code: ostiary.CodeWireVersion,
		Message: "this protocol revision is not known to the door: speak 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 or 2026-07-28, " +
			"or ask the operator for a newer door",
		Reason: "the client speaks revision " + visible([]byte(v[:min(len(v), 40)])),
	}
}
