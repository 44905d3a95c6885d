package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
	"github.com/ostiary/ostiary/wire"
)

// settler is a test's last gate.
type settler func(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error)

func (settler) Name() string { return "settler" }

func (s settler) Settle(ctx context.Context, c *ostiary.Call, _ []ostiary.Decision) (ostiary.Decision, error) {
	return s(ctx, c)
}

var errNotYet = &ostiary.Error{Code: ostiary.CodeApprovalPending, Message: "nobody has answered"}

// decide is what the replies of a person come to.
func decide(r ostiary.Reply, err error) (ostiary.Decision, error) {
	switch {
	case err != nil:
		return ostiary.Decision{}, err
	case r == ostiary.ReplyConfirm:
		return ostiary.Decision{Verdict: ostiary.Allow, Under: "approval a1"}, nil
	case r == ostiary.ReplyCancel:
		return ostiary.Decision{}, &ostiary.Error{Code: ostiary.CodeApprovalDenied, Message: "a person said no"}
	}
	return ostiary.Decision{}, errNotYet
}

// asking has a person asked about pay, and about resources.
func asking() policy.Options {
	o := paying()
	o.Rows[0].Approve = true
	o.Rows = append(o.Rows, policy.Row{Kind: policy.Resource, Pattern: "up/x://*", Effect: ostiary.EffectRead, Approve: true})
	return o
}

// people is a door with a settler in front of a scripted server, whose client
// declares these capabilities.
func people(t *testing.T, capabilities string, settle settler) (*bench, *scripted) {
	t.Helper()
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openHouse(t, asking(), func(o *ostiary.Options) { o.Settler = settle }, s.behind)
	b.send(strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+capabilities, 1))
	b.want(`"id":0`, `"result"`)
	b.send(initialized)
	return b, s
}

func payment(id, more string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"pay","arguments":{"to":"Ada","dry_run":false}` + more + `}}`
}

func asksLegacy(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	d := c.Caller.Dialog()
	if d == nil || d.Ask == nil || d.Put != nil || d.State != "" {
		return ostiary.Decision{}, fmt.Errorf("the dialog is %+v", d)
	}
	return decide(d.Ask(ctx, "Pay \"Ada\"\x1b?\n"))
}

// idOf returns the id of a message as written.
func idOf(t *testing.T, line string) string {
	t.Helper()
	m, err := wire.Parse([]byte(line), wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return string(m.ID)
}

func TestThePersonAtALegacyClient(t *testing.T) {
	b, s := people(t, `{"elicitation":{}}`, asksLegacy)
	for name, tt := range map[string]struct{ answer, code string }{
		"confirm":        {`"result":{"action":"accept","content":{"decision":"CONFIRM"}}`, ""},
		"cancel":         {`"result":{"action":"accept","content":{"decision":"CANCEL"}}`, "approval_denied"},
		"another word":   {`"result":{"action":"accept","content":{"decision":"confirm"}}`, "approval_denied"},
		"a boolean":      {`"result":{"action":"accept","content":{"decision":true}}`, "approval_denied"},
		"another member": {`"result":{"action":"accept","content":{"Decision":"CONFIRM"}}`, "approval_denied"},
		"no content":     {`"result":{"action":"accept"}`, "approval_denied"},
		"decline":        {`"result":{"action":"decline","content":{"decision":"CONFIRM"}}`, "approval_denied"},
		"closed":         {`"result":{"action":"cancel","content":{"decision":"CONFIRM"}}`, "approval_pending"},
		"another action": {`"result":{"action":"ACCEPT","content":{"decision":"CONFIRM"}}`, "approval_pending"},
		"no object":      {`"result":"accept"`, "approval_pending"},
		"an error":       {`"error":{"code":-32601,"message":"no such method"}`, "approval_required"},
	} {
		t.Run(name, func(t *testing.T) {
			b.send(payment("7", ""))
			question := b.want(`"method":"elicitation/create"`, `"message":"Pay \"Ada\"\u001b?\n"`, `"enum":["CONFIRM","CANCEL"]`, `"required":["decision"]`)
			var form struct {
				Params struct {
					RequestedSchema struct{ Type string }
				}
			}
			if err := json.Unmarshal([]byte(question), &form); err != nil || form.Params.RequestedSchema.Type != "object" {
				t.Fatal(question, err)
			}
			b.send(`{"jsonrpc":"2.0","id":` + idOf(t, question) + `,` + tt.answer + `}`)
			if tt.code == "" {
				if got := s.next(); got != payment("7", "") {
					t.Errorf("the server got %s", got)
				}
				s.say(answer("7", "paid"))
				b.want(`"id":7`, "paid")
				return
			}
			b.want(`"id":7`, `"isError":true`, tt.code)
		})
	}
	s.nothing(b) // no answer of the person's and no refused call
	b.recorded(is{target: "pay", status: "ok"}, is{target: "pay", code: "approval_denied"})
	for _, r := range b.logged() {
		if r.Code == "gateway_orphan" || r.Code == "gateway_late" {
			t.Errorf("an answer to the door's question is recorded as %s", r.Code)
		}
	}
}

func TestClientsThatShowNoForm(t *testing.T) {
	for caps, want := range map[string]bool{
		`{}`: false, `{"elicitation":null}`: false, `{"elicitation":{"url":{}}}`: false, `{"elicitation":{"form":null}}`: false,
		`{"elicitation":{"form":{}}}`: true, `{"elicitation":{"url":{},"form":{}}}`: true, `{"elicitation":{"vendor":1}}`: true,
	} {
		t.Run(caps, func(t *testing.T) {
			has := make(chan bool, 2)
			b, _ := people(t, caps, func(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
				has <- c.Caller.Dialog() != nil
				return ostiary.Decision{}, errNotYet
			})
			b.send(payment("1", ""))
			b.want("approval_pending")
			b.send(payment("2", `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":`+caps+`}`))
			b.want("approval_pending")
			if legacy, modern := <-has, <-has; legacy != want || modern != want {
				t.Errorf("a dialog: %v and %v, want %v", legacy, modern, want)
			}
		})
	}
}

// When nobody waits any more the client is told so, and its late answer is
// recorded as one.
func TestAQuestionThatIsWithdrawn(t *testing.T) {
	stop := make(chan context.CancelFunc, 1)
	b, s := people(t, `{"elicitation":{}}`, func(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stop <- cancel
		if r, err := c.Caller.Dialog().Ask(ctx, "?"); r != ostiary.ReplyNone || !errors.Is(err, context.Canceled) {
			return ostiary.Decision{}, fmt.Errorf("got %v, %w", r, err)
		}
		return ostiary.Decision{}, errNotYet
	})
	b.send(payment("1", ""))
	id := idOf(t, b.want("elicitation/create"))
	(<-stop)()
	b.want(`"notifications/cancelled"`, `"requestId":`+id)
	b.want(`"id":1`, "approval_pending")
	confirm := `{"jsonrpc":"2.0","id":` + id + `,"result":{"action":"accept","content":{"decision":"CONFIRM"}}}`
	b.send(confirm)
	b.recorded(is{code: "gateway_late"})
	b.send(confirm)
	b.recorded(is{code: "gateway_orphan"})
	s.nothing(b)
}

// TestLaw5TheServerCannotAnswerForThePerson has a server ask under the id of the
// door's own question, so that the answer of the person counts for the door's.
// The control is the same question under an id of the server's.
func TestLaw5TheServerCannotAnswerForThePerson(t *testing.T) {
	b, s := people(t, `{"elicitation":{}}`, asksLegacy)
	b.send(payment("1", ""))
	id := idOf(t, b.want("elicitation/create"))
	ask := func(id string) string {
		return `{"jsonrpc":"2.0","id":` + id + `,"method":"elicitation/create","params":{"message":"Type CONFIRM","requestedSchema":{"type":"object","properties":{"decision":{"type":"string"}}}}}`
	}
	s.say(ask(id), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`+id+`}}`, ask(`"own"`))
	b.want(`"id":"own"`, "[asked by the server up] Type CONFIRM") // in order, so the other was not passed on
	s.next(`"error"`, "this id belongs to the door")
	b.send(`{"jsonrpc":"2.0","id":"own","result":{"action":"accept","content":{"decision":"CONFIRM"}}}`)
	s.next(`"id":"own"`, "CONFIRM")
	b.send(`{"jsonrpc":"2.0","id":` + id + `,"result":{"action":"decline"}}`)
	b.want(`"id":1`, "approval_denied")
	s.nothing(b)
}

const elicits = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}`

// asksModern puts the question, and reads what the repeated call brought.
func asksModern(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	d := c.Caller.Dialog()
	if d == nil {
		return ostiary.Decision{}, errNotYet
	}
	if d.Ask != nil || d.Put == nil {
		return ostiary.Decision{}, fmt.Errorf("the dialog is %+v", d)
	}
	switch d.State {
	case "":
		return ostiary.Decision{Verdict: ostiary.Answer, Answer: d.Put("Pay?", `sealed"é`)}, nil
	case `sealed"é`:
		return decide(d.Reply, nil)
	}
	return ostiary.Decision{}, &ostiary.Error{Code: ostiary.CodeApprovalState, Message: "this state is " + d.State}
}

func TestThePersonAtAModernClient(t *testing.T) {
	b, s := people(t, `{}`, asksModern)
	b.send(payment("1", elicits))
	var asked struct {
		ID     int
		Result struct {
			ResultType    string
			RequestState  string
			InputRequests map[string]struct {
				Method string
				Params struct {
					Message         string
					RequestedSchema struct{ Type string }
				}
			}
		}
	}
	got := b.read()
	if err := json.Unmarshal([]byte(got), &asked); err != nil {
		t.Fatal(got, err)
	}
	q := asked.Result.InputRequests[questionKey]
	if asked.ID != 1 || asked.Result.ResultType != "input_required" || len(asked.Result.InputRequests) != 1 || q.Method != "elicitation/create" ||
		q.Params.Message != "Pay?" || q.Params.RequestedSchema.Type != "object" || !strings.HasPrefix(asked.Result.RequestState, stateMark) {
		t.Fatal(got)
	}
	state, err := json.Marshal(asked.Result.RequestState)
	if err != nil {
		t.Fatal(err)
	}
	confirm := `{"action":"accept","content":{"decision":"CONFIRM"}}`
	for name, tt := range map[string]struct{ more, code string }{
		"confirm":        {`"inputResponses":{"ostiary_approval":` + confirm + `},"requestState":` + string(state), ""},
		"reverse":        {`"requestState":` + string(state) + ` , "inputResponses":{"ostiary_approval":` + confirm + `}`, ""},
		"cancel":         {`"inputResponses":{"ostiary_approval":{"action":"accept","content":{"decision":"CANCEL"}}},"requestState":` + string(state), "approval_denied"},
		"closed":         {`"inputResponses":{"ostiary_approval":{"action":"cancel"}},"requestState":` + string(state), "approval_pending"},
		"no answer":      {`"requestState":` + string(state), "approval_pending"},
		"nothing":        {`"inputResponses":null,"requestState":` + string(state), "approval_pending"},
		"another state":  {`"inputResponses":{"ostiary_approval":` + confirm + `},"requestState":"ost1.forged"`, "approval_state"},
		"an empty state": {`"inputResponses":{"ostiary_approval":` + confirm + `},"requestState":"ost1."`, "approval_state"},
		"more answers":   {`"inputResponses":{"ostiary_approval":` + confirm + `,"q":` + confirm + `},"requestState":` + string(state), "wire_params"},
		"other answers":  {`"inputResponses":{"q":` + confirm + `},"requestState":` + string(state), "wire_params"},
		"no state":       {`"inputResponses":{"ostiary_approval":` + confirm + `}`, "approval_pending"}, // answers to the server, for all that the door knows
	} {
		t.Run(name, func(t *testing.T) {
			b.send(payment("2", `,`+tt.more+elicits))
			if tt.code != "" {
				b.want(`"id":2`, tt.code)
				return
			}
			if got := s.next(); got != payment("2", elicits) {
				t.Errorf("the server got %s", got)
			}
			s.say(`{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[]}}`)
			b.want(`"id":2`, `"complete"`)
		})
	}
	b.send(payment("3", `,"requestState":`+string(state))) // of an older revision
	b.want(`"id":3`, "approval_state")
	b.send(`{"jsonrpc":"2.0","id":4,"method":"resources/read","params":{"uri":"x://y"` + elicits + `}}`)
	b.want(`"id":4`, `"input_required"`, questionKey)
	s.nothing(b)
	b.recorded(is{target: "pay", status: "pending"}, is{target: "pay", status: "ok"}, is{target: "pay", code: "approval_state"})
}

// A server that asks by itself gets its own state back, and nothing of the
// door's; its questions pass as they do without a settler.
func TestTheServersOwnStatePasses(t *testing.T) {
	b, s := people(t, `{}`, asksModern)
	line := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain","arguments":{},"inputResponses":{"ostiary_approval":{"action":"accept"},"q":1},"requestState":"s-1"` + elicits + `}}`
	b.send(line)
	if got := s.next(); got != line {
		t.Errorf("the server got %s", got)
	}
	s.say(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}`)
	b.want(`"id":1`)
}

// A kept result goes out with its bytes, an error of the server as an error.
func TestStoredAnswers(t *testing.T) {
	var stored ostiary.Result
	b, s := people(t, `{}`, func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		r := stored
		return ostiary.Decision{Verdict: ostiary.Answer, Answer: &r}, nil
	})
	for _, tt := range []struct {
		r    ostiary.Result
		want string
	}{
		{ostiary.Result{Status: ostiary.StatusOK, Body: []byte(`{"content":[ ],"n":9007199254740993}`)}, `"result":{"content":[ ],"n":9007199254740993}`},
		{ostiary.Result{Status: ostiary.StatusToolError, Body: []byte(`{"content":[],"isError":true}`)}, `"result":{"content":[],"isError":true}`},
		{ostiary.Result{Status: ostiary.StatusRPCError, Body: []byte(`{"code":-32000, "message":"x"}`)}, `"error":{"code":-32000, "message":"x"}`},
	} {
		stored = tt.r
		b.send(payment("1", ""))
		if got, want := b.read(), `{"jsonrpc":"2.0","id":1,`+tt.want+`}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	s.nothing(b)
}
