package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/audit"
	"github.com/ostiary/ostiary/wire"
)

func allow() (ostiary.Decision, error) {
	return ostiary.Decision{Verdict: ostiary.Allow, Under: "approval a1"}, nil
}

// The dry run is a call of its own; the approved call then runs as it was sent.
func TestTheDryRunIsACallOfItsOwn(t *testing.T) {
	shown := make(chan string, 1)
	b, s := people(t, `{}`, func(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		r, err := c.Caller.DryRun(ctx)
		if err != nil {
			return ostiary.Decision{}, err
		}
		shown <- r.Text
		return allow()
	})
	b.send(payment("1", `,"v":1,"task":{"ttl":1},"_meta":{"progressToken":"p","ostiary/idempotency-key":"k","a":1}`))
	dry := s.next(`"dry_run":true`, `"to":"Ada"`, `"_meta":{"a":1}`)
	if strings.Contains(dry, "progressToken") || strings.Contains(dry, "idempotency") || strings.Contains(dry, "task") || strings.Contains(dry, `"v"`) || !strings.Contains(dry, `"id":"ostiary-`) {
		t.Errorf("the dry run is %s", dry)
	}
	s.say(answer(idOf(t, dry), "would pay"))
	if got := <-shown; got != "would pay" {
		t.Errorf("the person sees %q", got)
	}
	s.next(`"id":1`, `"dry_run":false`, `"progressToken":"p"`, `"ostiary/idempotency-key":"k"`)
	s.say(answer("1", "paid"))
	b.want(`"id":1`, "paid")
	all := b.records(func(all []audit.Record) bool { return is{target: "pay", status: "ok"}.in(all) == 2 })
	if (is{kind: audit.KindIntent, target: "pay"}).in(all) != 2 {
		t.Error("the dry run has no intent of its own")
	}
}

func TestDryRunsThatAreNone(t *testing.T) {
	failed := make(chan error, 1)
	b, s := people(t, `{}`, func(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		_, err := c.Caller.DryRun(ctx)
		failed <- err
		return ostiary.Decision{}, errNotYet
	})
	for name, tt := range map[string]struct {
		result, code string
	}{
		"asks":         {`{"resultType":"input_required","inputRequests":{"q":` + byForm + `}}`, "preview_failed"},
		"asks a model": {`{"content":[],"inputRequests":{"q":` + sampling + `}}`, "policy_method"},
	} {
		t.Run(name, func(t *testing.T) {
			b.send(payment("1", ""))
			s.say(`{"jsonrpc":"2.0","id":` + idOf(t, s.next(`"dry_run":true`)) + `,"result":` + tt.result + `}`)
			if err := <-failed; !errors.Is(err, ostiary.Code(tt.code)) {
				t.Errorf("got %v", err)
			}
			b.want("approval_pending")
		})
	}
	// What has no dry run that a rule vouches for.
	b.send(`{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"x://y"}}`)
	if err := <-failed; !errors.Is(err, ostiary.CodePreviewFailed) {
		t.Errorf("a resource: %v", err)
	}
	b.want("approval_pending")
	// A dry run that is withdrawn with its call is withdrawn at the server.
	b.send(payment("3", ""))
	id := idOf(t, s.next(`"dry_run":true`))
	b.send(cancelled("3"))
	s.next("notifications/cancelled", `"requestId":`+id)
	if err := <-failed; !errors.Is(err, ostiary.CodeGatewayCancelled) {
		t.Errorf("withdrawn: %v", err)
	}
	s.nothing(b)
}

// A call that asks for the dry run itself is its own preview, and asks nobody.
func TestADryRunByTheAgentAsksNobody(t *testing.T) {
	b, s := people(t, `{}`, func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
		return ostiary.Decision{}, errNotYet
	})
	line := strings.Replace(payment("1", ""), "false", "true", 1)
	b.send(line)
	if got := s.next(); got != line {
		t.Errorf("the server got %s", got)
	}
	s.say(answer("1", "would pay"))
	b.want("would pay")
}

func TestSignsOfLife(t *testing.T) {
	told := make(chan bool, 1)
	b, s := people(t, `{}`, func(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		told <- c.Caller.Progress("waiting for \"you\"") && c.Caller.Progress("still") && c.Caller.Progress("")
		return allow()
	})
	b.send(payment("1", `,"_meta":{"progressToken":12345678901234567890}`))
	if !<-told {
		t.Error("the client asked for progress and got none")
	}
	for _, want := range []string{`"progress":-1,"message":"waiting for \"you\""`, `"progress":-0.5,`, `"progress":-0.3333333333333333,`} {
		b.want(`"method":"notifications/progress"`, `"progressToken":12345678901234567890,`, want)
	}
	s.next(`"id":1`)
	s.say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":12345678901234567890,"progress":0}}`, answer("1", "paid"))
	b.want(`"progress":0}`) // the server's own still grows
	b.want("paid")
	b.send(payment("2", ""))
	if <-told {
		t.Error("progress without a token")
	}
	s.next(`"id":2`)
	s.say(answer("2", "paid"))
	b.want("paid")
}

func TestCancelEndsTheCall(t *testing.T) {
	stop := make(chan ostiary.Caller, 1)
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openHouse(t, paying(), func(o *ostiary.Options) {
		o.Gates = append(o.Gates, &keeper{then: func(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
			if c.Class == ostiary.ClassTool {
				stop <- c.Caller
			}
			return ostiary.Allowed(), nil
		}})
	}, s.behind).shaken()
	b.send(payment("1", ""))
	s.next(`"id":1`)
	(<-stop).Cancel(&ostiary.Error{Code: ostiary.CodeFreezeActive, Message: "everything is frozen"})
	s.next("notifications/cancelled", `"requestId":1`)
	b.want(`"id":1`, "freeze_active", "everything is frozen")
}

// An approval is for the definition that the call was judged by. The controls
// are a list that is new but the same, and another tool's change.
func TestLaw3ADefinitionThatChangesMeanwhile(t *testing.T) {
	const other = `{"name":"plain","description":"New.","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]}`
	reordered := strings.Replace(pay, `"to":{},"token":{}`, `"token":{}, "to":{}`, 1)
	another := pay[:strings.Index(pay, `{"name":"plain"`)] + other
	for name, tt := range map[string]struct {
		list, code string
	}{
		"the same":             {pay, ""},
		"the same, rearranged": {reordered, ""},
		"another tool":         {another, ""},
		"a field":              {strings.Replace(pay, `"to":{}`, `"to":{"description":"IBAN"}`, 1), "approval_void"},
		"an unknown field":     {strings.Replace(pay, `{"name":"pay"`, `{"v":1,"name":"pay"`, 1), "approval_void"},
		"gone":                 {`{"tools":[]}`, "approval_void"},
		"listed twice":         {strings.Replace(pay, `{"tools":[`, `{"tools":[{"name":"pay","inputSchema":{}},`, 1), "approval_void"},
	} {
		t.Run(name, func(t *testing.T) {
			lists := make(chan string, 1)
			waiting, approved := make(chan ostiary.Digest, 1), make(chan bool)
			s := newScripted(t)
			first := handshakes(pay)
			s.auto = func(m *wire.Message) ([]string, bool) {
				if m.Method == "tools/list" {
					select {
					case l := <-lists:
						return []string{result(m, l)}, true
					default:
					}
				}
				return first(m)
			}
			b := openHouse(t, asking(), func(o *ostiary.Options) {
				o.Settler = settler(func(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
					waiting <- c.Definition
					<-approved
					return allow()
				})
			}, s.behind).shaken()
			b.send(payment("1", ""))
			if <-waiting == (ostiary.Digest{}) {
				t.Error("the call has no definition")
			}
			lists <- tt.list
			s.say(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
			b.want("list_changed") // and so the catalog knows
			approved <- true
			if tt.code != "" {
				b.want(`"id":1`, tt.code)
				s.nothing(b)
				return
			}
			s.next(`"id":1`)
			s.say(answer("1", "paid"))
			b.want("paid")
		})
	}
}

// In the modern era a server need not say that it has changed; a list that is
// over its time is read again before an approval counts.
func TestAnOldListIsReadAgainBeforeAnApprovalCounts(t *testing.T) {
	clock := newClock()
	s := newScripted(t)
	first := handshakes(pay)
	reads := 0 // by the server's goroutine
	s.auto = func(m *wire.Message) ([]string, bool) {
		if m.Method == "tools/list" {
			if reads++; reads > 1 {
				return []string{result(m, `{"tools":[],"ttlMs":1}`)}, true
			}
		}
		return first(m)
	}
	b := openHouse(t, asking(), func(o *ostiary.Options) {
		o.Settler = settler(func(context.Context, *ostiary.Call) (ostiary.Decision, error) {
			clock.move(time.Hour)
			return allow()
		})
	}, func(o *Options) { s.behind(o); o.Now = clock.now })
	b.send(payment("1", elicits))
	b.want(`"id":1`, "approval_void")
}
