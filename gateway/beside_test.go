package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// besides are members of params that reach a server like its arguments.
var besides = map[string]string{
	"an answer":          `,"inputResponses":{"sure":{"action":"accept","content":{"all":true}}}`,
	"a state":            `,"requestState":"of-the-real-call"`,
	"an answer, a state": `,"inputResponses":{"sure":{"action":"accept"}},"requestState":"s"`,
	"a task":             `,"task":{"ttl":1}`,
	"anything":           `,"weird":"unbound"`,
	"an escaped name":    `,"inputRespons\u0065s":{"sure":1}`,
}

// TestLaw3WhatStandsBesideTheArgumentsIsJudged holds that the gates get all of
// params that the server gets, and that the digest covers it. The control is the
// call without it, which has another digest, that of its arguments alone.
func TestLaw3WhatStandsBesideTheArgumentsIsJudged(t *testing.T) {
	w := &keeper{}
	s := newScripted(t)
	s.auto = handshakes(pay)
	b := openHouse(t, paying(), func(o *ostiary.Options) { o.Gates = append(o.Gates, w) }, s.behind).shaken()
	run := func(more string) ostiary.Call {
		line := payment("1", more)
		b.send(line)
		if got := s.next(); got != line {
			t.Errorf("the server got %s, want %s", got, line)
		}
		s.say(answer("1", "paid"))
		b.want("paid")
		return w.last()
	}
	plain := run("")
	if plain.Beside != nil || plain.BesideArgs != nil {
		t.Fatalf("control: %s stands beside the arguments", plain.Beside)
	}
	seen := map[ostiary.Digest]string{plain.Digest: "nothing"}
	for name, more := range besides {
		c := run(more)
		if want := "{" + more[1:] + "}"; string(c.Beside) != want {
			t.Errorf("%s: the gates see %s, want %s", name, c.Beside, want)
		}
		if m, _ := c.BesideArgs.(map[string]any); len(m) == 0 {
			t.Errorf("%s: decoded it is %v", name, c.BesideArgs)
		}
		if same := seen[c.Digest]; same != "" {
			t.Errorf("%s has the digest of %s", name, same)
		}
		seen[c.Digest] = name
	}
	// The digest is of the values, whatever they are written like.
	a, z := run(`,"task":{"ttl":1,"x":"a"},"weird":1`), run(`,"weird" : 1 ,"task":{"x":"\u0061","ttl":1}`)
	if a.Digest != z.Digest || string(a.Beside) == string(z.Beside) {
		t.Errorf("the same values: %x of %s, %x of %s", a.Digest, a.Beside, z.Digest, z.Beside)
	}
}

// TestADryRunWithMoreThanArgumentsAsks sends dry runs of the model's own that
// bring what only a real call needs. The control is the dry run alone.
func TestADryRunWithMoreThanArgumentsAsks(t *testing.T) {
	b, s := people(t, `{}`, func(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		if c.DryRun {
			return ostiary.Decision{}, errors.New("a dry run is asked about")
		}
		return ostiary.Decision{}, errNotYet
	})
	dry := func(more string) string { return strings.Replace(payment("1", more), "false", "true", 1) }
	for name, more := range besides {
		b.send(dry(more))
		if got := b.read(); !strings.Contains(got, "approval_pending") {
			t.Errorf("%s: %s", name, got)
		}
	}
	s.nothing(b)
	b.send(dry(""))
	s.next(`"dry_run":true`)
	s.say(answer("1", "would pay"))
	b.want("would pay")
}

// TestTheDoorsDryRunBringsArgumentsAlone has the door make a dry run of calls with
// answers and states. The control is the approved call, which has them.
func TestTheDoorsDryRunBringsArgumentsAlone(t *testing.T) {
	b, s := people(t, `{}`, func(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		if _, err := c.Caller.DryRun(ctx); err != nil {
			return ostiary.Decision{}, err
		}
		return allow()
	})
	for name, more := range besides {
		b.send(payment("1", more))
		got := s.next(`"dry_run":true`)
		id := idOf(t, got)
		if want := strings.Replace(strings.Replace(payment("1", ""), `"id":1`, `"id":`+id, 1), "false", "true", 1); got != want {
			t.Errorf("%s: the dry run is %s, want %s", name, got, want)
		}
		s.say(answer(id, "would pay"))
		if got := s.next(`"id":1`); got != payment("1", more) {
			t.Errorf("%s: the call is %s", name, got)
		}
		s.say(answer("1", "paid"))
		b.want("paid")
	}
}

// TestNoDialogWhereTheClientAnswersTheServer: its next request would bring the
// answer to the door in place of that to the server, and so be another call.
func TestNoDialogWhereTheClientAnswersTheServer(t *testing.T) {
	had := make(chan bool, 1)
	b, s := people(t, `{}`, func(_ context.Context, c *ostiary.Call) (ostiary.Decision, error) {
		had <- c.Caller.Dialog() != nil
		return ostiary.Decision{}, errNotYet
	})
	for more, want := range map[string]bool{"": true, `,"task":{}`: true, besides["a state"]: false, besides["an answer"]: false} {
		b.send(payment("1", more+elicits))
		if got := <-had; got != want {
			t.Errorf("%s: a dialog %v, want %v", more, got, want)
		}
		b.want("approval_pending")
	}
	s.nothing(b)
}
