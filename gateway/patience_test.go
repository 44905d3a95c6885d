package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary"
)

// A call's time stands still while the server waits for a person. The control is
// the same call without a question.
func TestTheTimeOfACallStandsStillWhileAPersonIsAsked(t *testing.T) {
	const minute = time.Minute
	for name, tt := range map[string]struct {
		asked, answered time.Duration // after the call began; 0 is never
		before          bool          // a question was open when the call began
		want            time.Duration
	}{
		"control: nobody asked":   {want: 2 * minute},
		"asked and answered":      {asked: minute, answered: 4 * minute, want: 5 * minute},
		"asked at the end":        {asked: 2*minute - time.Second, answered: 3 * minute, want: 3*minute + time.Second},
		"answered after the time": {asked: 10 * time.Second, answered: 9 * minute, want: 11*minute - 10*time.Second},
		"never answered":          {asked: minute, want: 12 * minute},
		"asked before":            {before: true, answered: minute, want: 3 * minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := newInflight()
				d := &door{up: up}
				up.people = &d.people
				ask := func() {
					if err := up.add("s:q", &pending{class: ostiary.ClassElicitation}); err != nil || !up.markSent("s:q") {
						t.Error("the question was not handed over", err)
					}
				}
				if tt.before {
					ask()
				}
				began, ended := time.Now(), make(chan time.Duration, 1)
				stop := (&caller{d: d}).Patience(2*minute, func() { ended <- time.Since(began) })
				defer stop()
				if tt.asked > 0 {
					defer time.AfterFunc(tt.asked, ask).Stop()
				}
				if tt.answered > 0 {
					defer time.AfterFunc(tt.answered, func() { up.take("s:q") }).Stop()
				}
				if got := <-ended; got < tt.want || got > tt.want+patienceLook {
					t.Errorf("ended after %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestACallThatHasEndedIsNotEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := (&caller{d: &door{}}).Patience(time.Minute, func() { t.Error("ended") })
		stop()
		<-time.After(time.Hour)
	})
}

// An answer that is refused, a question that the server withdraws and one that
// cannot be handed over stop the meter as well.
func TestTheMeterStops(t *testing.T) {
	for name, end := range map[string]func(*inflight){
		"answered":  func(up *inflight) { up.take("s:q") },
		"withdrawn": func(up *inflight) { up.withdraw("s:q", nil, nil); up.remove("s:q") },
		"unsent":    func(up *inflight) { up.unsend("s:q"); up.remove("s:q") },
	} {
		up, m := newInflight(), &meter{}
		up.people = m
		if err := up.add("s:q", &pending{class: ostiary.ClassElicitation, cancel: func(error) {}}); err != nil || !up.markSent("s:q") || m.open != 1 {
			t.Fatal(err, m.open)
		}
		end(up)
		if m.open != 0 {
			t.Errorf("%s: %d open", name, m.open)
		}
	}
}

// The whole way: slow has 100 ms, and a person takes three times as long.
func TestASlowPersonDoesNotEndAQuickCall(t *testing.T) {
	s := newScripted(t)
	b := openDoor(t, rows(), s.behind)
	b.send(initialize)
	b.want(`"id":0`)
	b.send(initialized, call("1", "slow"))
	s.next(`"id":1`)
	s.say(`{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Name?"}}`)
	b.want(`"id":"q"`)
	<-time.After(300 * time.Millisecond) // the time itself is what this is about
	b.send(`{"jsonrpc":"2.0","id":"q","result":{"action":"cancel"}}`)
	s.next(`"id":"q"`)
	s.say(answer("1", "done"))
	b.want(`"id":1`, "done")
}
