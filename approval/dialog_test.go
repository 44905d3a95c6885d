package approval

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// putter is a client of revision 2026-07-28: it gets a text and a state, and
// calls again with them.
type putter struct {
	client
	text, state string
}

func newPutter() *putter {
	p := &putter{}
	p.dialog = &ostiary.Dialog{Put: func(text, state string) *ostiary.Result {
		p.text, p.state = text, state
		return &ostiary.Result{Status: ostiary.StatusPending, Body: []byte(state)}
	}}
	return p
}

func (p *putter) call(args string, change ...func(*ostiary.Call)) *ostiary.Call {
	return writing(args, append(change, func(c *ostiary.Call) { c.Caller = p })...)
}

// writing makes a call about which the client's dialog may decide.
func writing(args string, change ...func(*ostiary.Call)) *ostiary.Call {
	return call(args, append([]func(*ostiary.Call){func(c *ostiary.Call) { c.Effect = ostiary.EffectWrite; c.Target = "write_file" }}, change...)...)
}

// back is the repeated call with an answer.
func back(state string, reply ostiary.Reply) func(*ostiary.Call) {
	return (&client{dialog: &ostiary.Dialog{Put: newPutter().dialog.Put, State: state, Reply: reply}}).with()
}

// asked settles a first call and returns the state that came with the question.
func (h *house) asked(args string) string {
	h.t.Helper()
	p := newPutter()
	d, err := h.settle(p.call(args))
	if err != nil || d.Verdict != ostiary.Answer || d.Answer == nil || p.state == "" {
		h.t.Fatalf("got %+v and %v, want a question", d, err)
	}
	if !strings.Contains(p.text, "write_file") || !strings.Contains(p.text, "alice") {
		h.t.Errorf("the person reads %q", p.text)
	}
	return p.state
}

func TestPutDialog(t *testing.T) {
	h := newHouse(t)
	state := h.asked(`{"n":1}`)
	r := h.only()
	d := h.runs(writing(`{"n":1}`, back(state, ostiary.ReplyConfirm)))
	if got := h.get(r.ID); d.Under != "approval "+r.ID || got.State != Used || got.Channel != ChannelClient || got.By != "alice" || got.Answer != Confirm {
		t.Errorf("under %q: %+v", d.Under, got)
	}
	if e := h.notes.last("approval_approved"); e.Channel != ChannelClient || e.Subject != r.ID {
		t.Errorf("noted %+v", e)
	}

	state = h.asked(`{"n":2}`)
	h.refused(writing(`{"n":2}`, back(state, ostiary.ReplyCancel)), ostiary.CodeApprovalDenied)
	h.refused(newPutter().call(`{"n":2}`), ostiary.CodeApprovalDenied) // and it stays

	state = h.asked(`{"n":3}`)
	h.refused(writing(`{"n":3}`, back(state, ostiary.ReplyNone)), ostiary.CodeApprovalPending)
	h.refused(writing(`{"n":3}`, back(state, ostiary.ReplyConfirm)), ostiary.CodeApprovalState) // it counted once
	h.asked(`{"n":3}`)

	// Another channel was first, or it is void by now: that counts.
	h.approve(h.only().ID)
	h.runs(newPutter().call(`{"n":3}`))
	state = h.asked(`{"n":4}`)
	if _, err := h.desk.Deny(t.Context(), h.only().ID, bob, "no"); err != nil {
		t.Fatal(err)
	}
	h.refused(writing(`{"n":4}`, back(state, ostiary.ReplyConfirm)), ostiary.CodeApprovalDenied)
	state = h.asked(`{"n":5}`)
	h.refused(writing(`{"n":5}`, back(state, ostiary.ReplyConfirm), func(c *ostiary.Call) { c.Definition[0]++ }), ostiary.CodeApprovalVoid)
}

// TestStateIsRefused: a state counts for the very call it was made for, once, in
// its time. Each case begins with a state that would do, as the control shows.
func TestStateIsRefused(t *testing.T) {
	const args = `{"n":1}`
	for name, c := range map[string]struct {
		state  func(h *house, s string) string
		change func(*ostiary.Call)
		code   ostiary.Code
	}{
		"control":           {code: ""},
		"nonsense":          {state: func(*house, string) string { return "yes" }, code: ostiary.CodeApprovalState},
		"no base64":         {state: func(*house, string) string { return "{}" }, code: ostiary.CodeApprovalState},
		"too long":          {state: func(_ *house, s string) string { return strings.Repeat(s, 100) }, code: ostiary.CodeApprovalState},
		"truncated":         {state: func(_ *house, s string) string { return s[:len(s)-4] }, code: ostiary.CodeApprovalState},
		"only a nonce":      {state: func(_ *house, s string) string { return s[:16] }, code: ostiary.CodeApprovalState},
		"one character":     {state: func(_ *house, s string) string { return s[:8] }, code: ostiary.CodeApprovalState},
		"longer":            {state: func(_ *house, s string) string { return s + "AAAA" }, code: ostiary.CodeApprovalState},
		"of another door":   {state: func(h *house, _ string) string { return newHouse(h.t).asked(args) }, code: ostiary.CodeApprovalState},
		"of another call":   {state: func(h *house, _ string) string { return h.asked(`{"n":2}`) }, code: ostiary.CodeApprovalState},
		"replayed":          {state: func(h *house, s string) string { h.runs(writing(args, back(s, ostiary.ReplyConfirm))); return s }, code: ostiary.CodeApprovalState},
		"expired":           {state: func(h *house, s string) string { h.later(11 * time.Minute); return s }, code: ostiary.CodeApprovalState},
		"principal":         {change: func(c *ostiary.Call) { c.Principal.ID = "mallory" }, code: ostiary.CodeApprovalState},
		"session":           {change: func(c *ostiary.Call) { c.Session = "other" }, code: ostiary.CodeApprovalState},
		"tool":              {change: func(c *ostiary.Call) { c.Target = "delete_file" }, code: ostiary.CodeApprovalState},
		"upstream":          {change: func(c *ostiary.Call) { c.Upstream = "other" }, code: ostiary.CodeApprovalState},
		"method":            {change: func(c *ostiary.Call) { c.Method = "prompts/get" }, code: ostiary.CodeApprovalState},
		"arguments":         {change: func(c *ostiary.Call) { c.Arguments = []byte(`{"n":2}`) }, code: ostiary.CodeApprovalState},
		"digest":            {change: func(c *ostiary.Call) { c.Digest[31]++ }, code: ostiary.CodeApprovalState},
		"after a restart":   {state: func(h *house, s string) string { h.restart(); return s }, code: ""},
		"key was exchanged": {state: func(h *house, s string) string { h.forgetKey(); return s }, code: ostiary.CodeApprovalState},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			state := h.asked(args)
			if c.state != nil {
				state = c.state(h, state)
			}
			change := c.change
			if change == nil {
				change = func(*ostiary.Call) {}
			}
			again := writing(args, back(state, ostiary.ReplyConfirm), change)
			if c.code == "" {
				h.runs(again)
				return
			}
			h.refused(again, c.code)
			if e := h.notes.last("approval_state_refused"); e.Call != again.ID || e.Detail == "" {
				t.Errorf("not noted: %+v", e)
			}
		})
	}
	t.Run("every byte", func(t *testing.T) {
		h := newHouse(t)
		raw, err := base64.RawURLEncoding.DecodeString(h.asked(args))
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			forged := append([]byte(nil), raw...)
			forged[i] ^= 1
			h.refused(writing(args, back(base64.RawURLEncoding.EncodeToString(forged), ostiary.ReplyConfirm)), ostiary.CodeApprovalState)
		}
	})
}

func (h *house) forgetKey() {
	h.t.Helper()
	if err := h.store.Update(context.Background(), func(tx ostiary.Tx) error { return tx.Delete(bucketKey, keyRow) }); err != nil {
		h.t.Fatal(err)
	}
}

// TestAskDialog: the dialog of an older client beside the other channels; the
// first answer counts.
func TestAskDialog(t *testing.T) {
	type answer struct {
		reply ostiary.Reply
		err   error
	}
	start := func(h *house) (c *ostiary.Call, texts chan string, answers chan answer, closed chan struct{}) {
		texts, answers, closed = make(chan string, 8), make(chan answer, 8), make(chan struct{}, 8)
		one := &client{dialog: &ostiary.Dialog{Ask: func(ctx context.Context, text string) (ostiary.Reply, error) {
			texts <- text
			select {
			case a := <-answers:
				return a.reply, a.err
			case <-ctx.Done():
				closed <- struct{}{}
				return ostiary.ReplyNone, ctx.Err()
			}
		}}}
		return writing(`{}`, one.with()), texts, answers, closed
	}
	patient := func(o *Options) { o.Wait = time.Hour }
	t.Run("confirmed", func(t *testing.T) {
		h := newHouse(t, patient)
		c, texts, answers, _ := start(h)
		done := h.settling(c)
		if text := <-texts; !strings.Contains(text, "write_file") {
			t.Errorf("asked %q", text)
		}
		answers <- answer{reply: ostiary.ReplyConfirm}
		got := <-done
		if got.err != nil || got.d.Hold.Commit() != nil {
			t.Fatalf("got %+v", got)
		}
		if e := h.notes.last("approval_approved"); e.Channel != ChannelClient || e.By != "alice" || e.Call != c.ID {
			t.Errorf("noted %+v", e)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		h := newHouse(t, patient)
		c, _, answers, _ := start(h)
		done := h.settling(c)
		answers <- answer{reply: ostiary.ReplyCancel}
		if got := <-done; !errors.Is(got.err, ostiary.CodeApprovalDenied) {
			t.Errorf("got %+v", got)
		}
	})
	for name, a := range map[string]answer{"closed": {}, "failed": {err: errors.New("no")}, "failed with a yes": {ostiary.ReplyConfirm, errors.New("no")}, "unknown": {reply: 77}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, patient)
			c, texts, answers, _ := start(h)
			done := h.settling(c)
			<-texts
			answers <- a
			h.until(func() bool { h.gate.mu.Lock(); defer h.gate.mu.Unlock(); return len(h.gate.asking) == 0 })
			h.approve(h.only().ID) // the other channels remain
			if got := <-done; got.err != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("another channel was first", func(t *testing.T) {
		h := newHouse(t, patient)
		c, texts, _, closed := start(h)
		done := h.settling(c)
		<-texts
		h.approve(h.only().ID)
		if got := <-done; got.err != nil {
			t.Errorf("got %+v", got)
		}
		<-closed
	})
	t.Run("one dialog for many calls", func(t *testing.T) {
		h := newHouse(t, patient)
		c, texts, answers, _ := start(h)
		first, second := h.settling(c), h.settling(c)
		<-texts
		answers <- answer{reply: ostiary.ReplyCancel}
		for _, done := range []<-chan result{first, second} {
			if got := <-done; !errors.Is(got.err, ostiary.CodeApprovalDenied) {
				t.Errorf("got %+v", got)
			}
		}
		if len(texts) > 0 {
			t.Error("a second dialog opened")
		}
	})
	t.Run("a panic", func(t *testing.T) {
		h := newHouse(t)
		one := &client{dialog: &ostiary.Dialog{Ask: func(context.Context, string) (ostiary.Reply, error) { panic("oops") }}}
		h.refused(writing(`{}`, one.with()), ostiary.CodeApprovalPending)
	})
}
