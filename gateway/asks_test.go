package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/policy"
)

const (
	sampling = `{"method":"sampling/createMessage","params":{"messages":[]}}`
	byURL    = `{"method":"elicitation/create","params":{"mode":"url","url":"https://x/","message":"Sign in"}}`
	byForm   = `{"method":"elicitation/create","params":{"message":"Name?"}}`
)

// vouching is rows and one row that lets sampling through.
func vouching() policy.Options {
	o := rows()
	o.Rows = append(o.Rows, policy.Row{Kind: policy.Method, Pattern: "up/sampling/createMessage", Effect: ostiary.EffectRead})
	return o
}

// A server's requests are judged wherever a result carries them. The control is
// the same result with a question that may pass, and the same door with a row
// that lets the request pass.
func TestQuestionsInsideResultsOfAnyKind(t *testing.T) {
	modern := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{` + params + `,` + modernMembers + `}}`
	}
	tool, legacy := modern("tools/call", `"name":"read","arguments":{}`), call("1", "read")
	for name, tt := range map[string]struct{ request, result string }{
		"a task":              {tool, `{"resultType":"task","taskId":"7","status":"input_required","inputRequests":%s}`},
		"complete":            {tool, `{"resultType":"complete","content":[],"inputRequests":%s}`},
		"no resultType":       {tool, `{"content":[],"inputRequests":%s}`},
		"tasks/get":           {modern("tasks/get", `"taskId":"7"`), `{"resultType":"complete","taskId":"7","status":"input_required","inputRequests":%s}`},
		"inside task":         {tool, `{"resultType":"complete","task":{"taskId":"7","inputRequests":%s}}`},
		"legacy":              {legacy, `{"content":[],"inputRequests":%s}`},
		"legacy other":        {legacy, `{"resultType":"Input_required","inputRequests":%s}`},
		"legacy tasks/result": {`{"jsonrpc":"2.0","id":1,"method":"tasks/result","params":{"taskId":"7"}}`, `{"content":[],"inputRequests":%s}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, vouched := range []bool{false, true} {
				s := newScripted(t)
				o := rows()
				if vouched {
					o = vouching()
				}
				b := openDoor(t, o, s.behind).shaken()
				ask := func(question string) string {
					b.send(tt.request)
					s.next(`"id":1`)
					s.say(`{"jsonrpc":"2.0","id":1,"result":` + fmt.Sprintf(tt.result, `{"q":`+question+`}`) + `}`)
					return b.read()
				}
				has(t, ask(byForm), `"[asked by the server up] Name?"`)
				if vouched {
					has(t, ask(sampling), sampling)
					continue
				}
				for _, refused := range []string{sampling, byURL} {
					if got := has(t, ask(refused), `policy_method`); strings.Contains(got, "inputRequests") {
						t.Errorf("got %s", got)
					}
				}
				b.recorded(is{kind: audit.KindRefusal, method: "sampling/createMessage"}, is{kind: audit.KindRefusal, method: "elicitation/create", target: "url"},
					is{code: "policy_method", status: "withheld"})
			}
		})
	}
}

// What a resultType that nobody knows asks of the client cannot be told. The
// control is a client of an older revision, to which resultType is nothing.
func TestAResultTypeThatIsNotKnown(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind).shaken()
	for _, kind := range []string{`"Input_required"`, `"later"`, `""`, `7`, `null`} {
		result := `{"jsonrpc":"2.0","id":1,"result":{"resultType":` + kind + `,"content":[]}}`
		b.send(modernCall("1", ""))
		s.next()
		s.say(result)
		b.want(`"isError":true`, `wire_envelope`, `resultType`)
		b.send(call("1", "read"))
		s.next()
		s.say(result)
		if got := b.read(); got != result {
			t.Errorf("got %s", got)
		}
	}
}

func TestQuestionsInsideNotifications(t *testing.T) {
	for _, conditional := range []bool{false, true} {
		s := newScripted(t)
		o := rows()
		if conditional { // the notification is a call of its own
			o.Rows = append(o.Rows, policy.Row{Kind: policy.Method, Pattern: "up/notifications/tasks", Effect: ostiary.EffectRead, Scopes: []string{"people"}})
		}
		b := openDoor(t, o, func(o *Options) { s.behind(o); o.Principal.Scopes = []string{"people"} }).shaken()
		note := func(asks string) string {
			return `{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"7","status":"input_required"` + asks + `}}`
		}
		for _, refused := range []string{sampling, byURL} {
			s.say(note(`,"inputRequests":{"ok":` + byForm + `,"q":` + refused + `}`))
		}
		s.say(note(``)) // in order, so the others were dropped
		if got := b.read(); got != note(``) {
			t.Errorf("got %s", got)
		}
		s.say(note(`,"inputRequests":{"q":` + byForm + `}`))
		b.want(`"notifications/tasks"`, `"[asked by the server up] Name?"`)
		b.recorded(is{kind: audit.KindRefusal, method: "sampling/createMessage"}, is{kind: audit.KindRefusal, method: "elicitation/create", target: "url"},
			is{method: "notifications/tasks", code: "policy_method"})
	}
	s := newScripted(t)
	b := openDoor(t, vouching(), s.behind).shaken() // control: the operator's row
	s.say(`{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"7","inputRequests":{"q":` + sampling + `}}}`)
	b.want(sampling)
}

// URLElicitationRequired (revision 2025-11-25) is a question as well, and so is
// an error with another code that looks like it.
func TestQuestionsInsideErrors(t *testing.T) {
	failure := func(code, data string) string {
		return `{"jsonrpc":"2.0","id":1,"error":{"code":` + code + `,"message":"m","data":` + data + `}}`
	}
	for name, tt := range map[string]struct {
		data, want string
	}{
		"url":           {`{"elicitations":[{"mode":"url","url":"https://x/","elicitationId":"e","message":"Sign in"}]}`, `policy_method`},
		"no mode":       {`{"elicitations":[{"url":"https://x/","message":"Sign in"}]}`, `policy_method`},
		"second":        {`{"elicitations":[{"mode":"form","message":"m"},{"mode":"url","message":"m"}]}`, `policy_method`},
		"twin":          {`{"Elicitations":[{"mode":"url","url":"https://x/","message":"m"}]}`, `wire_duplicate_key`},
		"no list":       {`{"elicitations":{"mode":"url"}}`, `wire_envelope`},
		"form":          {`{"elicitations":[{"mode":"form","message":"Name?"}]}`, `"message":"[asked by the server up] Name?"`},
		"nothing asked": {`{"elicitations":[],"why":5}`, `"data":{"elicitations":[],"why":5}`},
		"other data":    {`["x"]`, `"data":["x"]`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			b := openDoor(t, rows(), s.behind).shaken()
			for _, request := range []string{call("1", "read"), `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p"}}`, modernCall("1", "")} {
				for _, code := range []string{"-32042", "-32000"} {
					b.send(request)
					s.next(`"id":1`)
					s.say(failure(code, tt.data))
					got := b.want(`"id":1`, tt.want)
					if strings.Contains(tt.want, "_") && strings.Contains(got, "https://") {
						t.Errorf("got %s", got)
					}
				}
			}
			if tt.want == `policy_method` {
				b.recorded(is{kind: audit.KindRefusal, method: "elicitation/create", target: "url", code: "policy_method"}, is{code: "policy_method", status: "withheld"})
			}
		})
	}
	s := newScripted(t)
	o := rows()
	o.Rows = append(o.Rows, policy.Row{Kind: policy.Method, Pattern: "up/elicitation/create", Effect: ostiary.EffectRead})
	b := openDoor(t, o, s.behind).shaken() // control: the operator's row
	b.send(call("1", "read"))
	s.next()
	in := failure("-32042", `{"elicitations":[{"mode":"url","url":"https://x/","message":"Sign in"}]}`)
	s.say(in)
	if got := b.read(); got != in {
		t.Errorf("got %s", got)
	}
}
