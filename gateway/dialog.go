package gateway

import (
	"context"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// questionKey is the name of the door's own question in inputRequests.
const questionKey = "ostiary_approval"

// The words of the form.
const (
	wordConfirm = "CONFIRM"
	wordCancel  = "CANCEL"
)

// metaCapabilities is where a request of revision 2026-07-28 says what its
// client can do.
const metaCapabilities = "io.modelcontextprotocol/clientCapabilities"

// Dialog implements ostiary.Caller.
func (q *caller) Dialog() *ostiary.Dialog {
	if q.dialog != nil || q.preview {
		return q.dialog
	}
	if q.m.Era == wire.EraModern {
		caps, _ := wire.Member(q.m.Meta, metaCapabilities)
		// A client that answers the server cannot bring an answer to the door in the
		// same request.
		if repeatable(q.m.Method) && !q.m.HasInputResponses && (q.state != "" || asksByForm(caps)) {
			q.dialog = &ostiary.Dialog{Put: put, State: q.state, Reply: q.said}
		}
		return q.dialog
	}
	if q.d.asksByForm.Load() {
		q.dialog = &ostiary.Dialog{Ask: func(ctx context.Context, text string) (ostiary.Reply, error) {
			return q.d.askPerson(ctx, q.on, q.c.ID, text)
		}}
	}
	return q.dialog
}

// repeatable reports whether the answer to a method may be input_required
// (revision 2026-07-28).
func repeatable(method string) bool {
	return method == "tools/call" || method == "prompts/get" || method == "resources/read"
}

// asksByForm reports whether a client with these capabilities shows forms: it
// declares elicitation, and form, or no mode at all.
func asksByForm(capabilities []byte) bool {
	elicitation, ok := wire.Member(capabilities, "elicitation")
	if !ok || elicitation[0] != '{' {
		return false
	}
	form, hasForm := wire.Member(elicitation, "form")
	_, hasURL := wire.Member(elicitation, "url")
	return hasForm && form[0] == '{' || !hasForm && !hasURL
}

// put makes the result with which the client asks its person and calls again
// (revision 2026-07-28, multi round-trip requests). The state gets the mark by
// which it is told from one of the server's.
func put(text, state string) *ostiary.Result {
	b := append([]byte(`{"resultType":"input_required","inputRequests":{"`+questionKey+`":{"method":"elicitation/create","params":`), form(text)...)
	b = append(append(append(b, `}},"requestState":`...), wire.Quote(stateMark+state)...), '}')
	return &ostiary.Result{Status: ostiary.StatusPending, Body: b}
}

// form is the params of the door's question: a form with one choice, without
// mode, which older revisions do not know and newer ones take for form.
func form(text string) []byte {
	b := append([]byte(`{"message":`), wire.Quote(text)...)
	return append(b, `,"requestedSchema":{"type":"object","properties":{"decision":{"type":"string","title":"Decision",`+
		`"description":"`+wordConfirm+` lets exactly this call run once, `+wordCancel+` refuses it.",`+
		`"enum":["`+wordConfirm+`","`+wordCancel+`"]}},"required":["decision"]}}`...)
}

// readReply reads the result of an elicitation, which is the client's and so is
// whatever it likes.
func readReply(result []byte) ostiary.Reply {
	action, _ := wire.Member(result, "action")
	switch word(action) {
	case "accept":
		content, _ := wire.Member(result, "content")
		if decision, _ := wire.Member(content, "decision"); word(decision) == wordConfirm {
			return ostiary.ReplyConfirm
		}
		return ostiary.ReplyCancel
	case "decline":
		return ostiary.ReplyCancel
	}
	return ostiary.ReplyNone
}

func word(raw []byte) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	return stringOf(raw)
}

// askPerson has the client ask its person and waits for the answer, with an id
// of the door's own, which nobody else can use.
func (d *door) askPerson(ctx context.Context, on *stream, callID, text string) (ostiary.Reply, error) {
	id := d.ids.request()
	key, quoted := "s:"+id, wire.Quote(id)
	raw := append(append([]byte(`{"jsonrpc":"2.0","id":`), quoted...), `,"method":"elicitation/create","params":`...)
	raw = append(append(raw, form(text)...), '}')
	p := &pending{method: "elicitation/create", class: ostiary.ClassElicitation, callID: callID,
		cancel: func(error) {}, size: len(raw), reply: make(chan struct{})}
	if err := d.mine.add(key, p); err != nil {
		return ostiary.ReplyNone, err
	}
	defer d.mine.release(p)
	defer d.mine.remove(key)
	d.mine.markSent(key)
	if err := d.toClient.send(ctx, on, raw); err != nil {
		d.mine.unsend(key)
		return ostiary.ReplyNone, gone(err)
	}
	select {
	case <-p.reply:
	case <-ctx.Done():
	}
	answer, _, _ := d.mine.abandon(key)
	switch {
	case answer == nil:
		d.replyNow(on, wire.Cancelled(quoted, "nobody waits for this answer any more"))
		return ostiary.ReplyNone, context.Cause(ctx)
	case answer.Kind == wire.KindError:
		return ostiary.ReplyNone, &ostiary.Error{Code: ostiary.CodeApprovalRequired,
			Message: "the client could not ask its person: have the call approved elsewhere",
			Reason:  "the client answered the question with an error: " + visible([]byte(wire.Text(answer.Error, textRunes)))}
	}
	return readReply(answer.Result), nil
}

// ownAnswer takes the client's answer to one of the door's own questions.
func (d *door) ownAnswer(m *wire.Message) {
	if delivered, late := d.mine.deliver(m); !delivered {
		d.odd.answer(late)
	}
}
