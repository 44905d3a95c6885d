package gateway

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
)

// breaking is a breaker under test with a clock that stands still.
func breaking() (b *Breaker, forward func(time.Duration), said func() string) {
	now, all := time.Unix(0, 0), ""
	b = NewBreaker(BreakerOptions{Failures: 3, Pause: 10 * time.Second, Longest: 30 * time.Second, Now: func() time.Time { return now },
		Changed: func(to BreakerState, failures int) { all += fmt.Sprintf("%s %d;", to, failures) }})
	return b, func(d time.Duration) { now = now.Add(d) }, func() string { return all }
}

func (b *Breaker) tryTo(t *testing.T, o outcome) {
	t.Helper()
	p, err := b.enter("alice")
	if err != nil {
		t.Fatalf("a request was not let through: %v", err)
	}
	p.end(o)
}

func (b *Breaker) wantShut(t *testing.T, again time.Duration) {
	t.Helper()
	_, err := b.enter("alice")
	if e := ostiary.AsError(err); !errors.Is(err, ostiary.CodeGatewayCircuit) || e.RetryAfter != again {
		t.Fatalf("got %v, again after %s, want %s", err, e.RetryAfter, again)
	}
}

func TestBreaker(t *testing.T) {
	b, forward, said := breaking()
	for range 2 {
		b.tryTo(t, outcomeFailure)
	}
	b.tryTo(t, outcomeSuccess) // they do not stand in a row any more
	for range 2 {
		b.tryTo(t, outcomeFailure)
		b.tryTo(t, outcomeNeither) // says nothing of the server
	}
	if b.State() != BreakerClosed {
		t.Fatal("opened too early")
	}
	b.tryTo(t, outcomeFailure)
	if b.State() != BreakerOpen {
		t.Fatal("not open")
	}
	b.wantShut(t, 10*time.Second)
	forward(9 * time.Second)
	b.wantShut(t, time.Second)
	forward(time.Second)
	if b.State() != BreakerHalfOpen {
		t.Fatal("not half-open")
	}
	trial, err := b.enter("alice")
	if err != nil {
		t.Fatal(err)
	}
	b.wantShut(t, time.Second) // one at a time
	trial.end(outcomeNeither)  // the client left: another may try
	b.tryTo(t, outcomeFailure)
	b.wantShut(t, 20*time.Second)
	forward(20 * time.Second)
	b.tryTo(t, outcomeFailure)
	b.wantShut(t, 30*time.Second) // and not 40
	forward(30 * time.Second)
	b.tryTo(t, outcomeSuccess)
	for range 2 {
		b.tryTo(t, outcomeFailure)
	}
	if b.State() != BreakerClosed || said() != "open 3;open 4;open 5;closed 5;" {
		t.Errorf("%s, %s", b.State(), said())
	}
}

// A request that began before it opened says nothing of a later trial.
func TestBreakerIgnoresLateOutcomes(t *testing.T) {
	b, forward, said := breaking()
	late, err := b.enter("alice")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.tryTo(t, outcomeFailure)
	}
	late.end(outcomeSuccess)
	b.wantShut(t, 10*time.Second)
	forward(10 * time.Second)
	b.tryTo(t, outcomeSuccess)
	if said() != "open 3;closed 3;" {
		t.Error(said())
	}
}

func TestOutcomes(t *testing.T) {
	timeout, stop := context.WithCancelCause(t.Context())
	stop(&ostiary.Error{Code: ostiary.CodeLimitTimeout})
	left, leave := context.WithCancelCause(t.Context())
	leave(errWithdrawn)
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want outcome
	}{
		"no connection":  {t.Context(), &ostiary.Error{Code: ostiary.CodeEgressUnreachable}, outcomeFailure},
		"no answer":      {t.Context(), (&remote{}).unreachable(errors.New("EOF")), outcomeFailure},
		"out of time":    {timeout, context.Canceled, outcomeFailure},
		"withdrawn":      {left, context.Canceled, outcomeNeither},
		"an address":     {t.Context(), &ostiary.Error{Code: ostiary.CodeEgressAddress}, outcomeNeither},
		"no credential":  {t.Context(), &ostiary.Error{Code: ostiary.CodeCredentialUnavailable}, outcomeNeither},
		"an old session": {t.Context(), &ostiary.Error{Code: ostiary.CodeGatewaySession}, outcomeNeither},
	} {
		if got := judged(c.ctx, c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	var none *Breaker
	p, err := none.enter("alice")
	if err != nil || none.State() != BreakerClosed {
		t.Error("no breaker lets nothing pass")
	}
	p.failed(t.Context(), errors.New("x"))
	p.answered(t.Context(), 500, nil)
}

// TestASubscriptionIsAShortTrial: one that lasts tells that the server answers when
// it begins, and keeps nobody out while it is open.
func TestASubscriptionIsAShortTrial(t *testing.T) {
	b, forward, said := breaking()
	w := openWeb(t, rows(), func(o *HTTPOptions, s *site) {
		listens(o, s)
		o.Door.Remote.Breaker = b
	})
	w.post(modernRead("1", "read", "{}"), modernFields("read")...).want(t, 200, "done") // the list is known
	for range 3 {
		b.tryTo(t, outcomeFailure)
	}
	w.post(modernRead("2", "read", "{}"), modernFields("read")...).want(t, 200, "gateway_circuit")
	forward(10 * time.Second)
	w.subscribe("3", `{"toolsListChanged":true}`)
	w.post(modernRead("4", "read", "{}"), modernFields("read")...).want(t, 200, "done")
	if said() != "open 3;closed 3;" {
		t.Error(said())
	}
}

// A trial that ends by a panic is none that goes on.
func TestATrialIsLeft(t *testing.T) {
	b, forward, _ := breaking()
	for range 3 {
		b.tryTo(t, outcomeFailure)
	}
	forward(10 * time.Second)
	p, err := b.enter("alice")
	if err != nil {
		t.Fatal(err)
	}
	p.leave()
	b.tryTo(t, outcomeSuccess)
	p.end(outcomeFailure) // has ended
	if b.State() != BreakerClosed || b.failures != 0 {
		t.Errorf("%s after %d failures", b.State(), b.failures)
	}
	(*pass)(nil).leave()
}

// TestSlowCallsDoNotShutABusyServer: calls that run out of time together say nothing
// of a server that has answered one which began later.
func TestSlowCallsDoNotShutABusyServer(t *testing.T) {
	begin := func(b *Breaker) (all []*pass) {
		t.Helper()
		for range 3 {
			p, err := b.enter("alice")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		return all
	}
	b, _, _ := breaking()
	slow := begin(b)
	b.tryTo(t, outcomeSuccess)
	for _, p := range slow {
		p.end(outcomeFailure)
	}
	if b.State() != BreakerClosed {
		t.Error("one caller of a slow tool has shut the server for all")
	}
	for _, p := range begin(b) { // the control: nothing that began later goes well
		p.end(outcomeFailure)
	}
	if b.State() != BreakerOpen {
		t.Error("a server that does not answer is not left alone")
	}
}

// TestNobodyShutsAServerForOthers: who alone sees a server fail is kept away from it;
// others are let in and, once they are answered, all are. The control is a server that
// fails for another too.
func TestNobodyShutsAServerForOthers(t *testing.T) {
	as := func(b *Breaker, who string, o outcome) error {
		p, err := b.enter(who)
		if err == nil {
			p.end(o)
		}
		return err
	}
	for _, fails := range []bool{false, true} {
		b, _, said := breaking()
		for range 3 {
			if err := as(b, "mallory", outcomeFailure); err != nil {
				t.Fatal(err)
			}
		}
		b2 := as(b, "mallory", outcomeSuccess)
		if !errors.Is(b2, ostiary.CodeGatewayCircuit) {
			t.Fatalf("mallory is let in: %v", b2)
		}
		if fails {
			if err := as(b, "alice", outcomeFailure); err != nil {
				t.Fatalf("alice is kept out: %v", err)
			}
			if err := as(b, "bob", outcomeSuccess); !errors.Is(err, ostiary.CodeGatewayCircuit) {
				t.Errorf("the server fails for two, and bob is let in: %v", err)
			}
			continue
		}
		for _, who := range []string{"alice", "bob", "mallory"} {
			if err := as(b, who, outcomeSuccess); err != nil {
				t.Errorf("%s is kept out: %v", who, err)
			}
		}
		if said() != "open 3;closed 3;" {
			t.Error(said())
		}
	}
}
