package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ostiary/ostiary"
)

// outcome is what came of one call at the door.
type outcome struct {
	N         int          `json:"n"`
	What      string       `json:"what"`
	Tool      string       `json:"tool"`
	Arguments any          `json:"arguments"`
	Times     int          `json:"times,omitempty"`
	Passed    int          `json:"passed"`
	Verdict   string       `json:"verdict"`
	Code      ostiary.Code `json:"code,omitempty"`
	Message   string       `json:"message"`
	Retry     float64      `json:"retry_after,omitempty"`
	// Again says that one more call passed when it had waited that long.
	Again bool   `json:"passed_after_waiting,omitempty"`
	Call  string `json:"call,omitempty"`
	// Typed is what a person did before, Seen what the request shows to one.
	Typed string `json:"person_typed,omitempty"`
	Seen  string `json:"person_sees,omitempty"`
	// Gets is what a treated result is for the agent.
	Gets  string `json:"agent_gets,omitempty"`
	Wrong string `json:"wrong,omitempty"`
}

// without is what comes of the attacks where nobody stands at the door.
type without struct {
	Attacks int      `json:"attacks"`
	Succeed int      `json:"succeed"`
	Failed  []string `json:"failed"`
}

// patience is how long a call that hangs is waited for without the door: longer
// than the door lets it.
const patience = 1200 * time.Millisecond

// withoutDoor makes the attacks at a server of its own, directly.
func (s *show) withoutDoor(ctx context.Context) (*without, error) {
	ws, err := playground(s.dir, "control")
	if err != nil {
		return nil, err
	}
	c, err := link(ws, func() (*client, error) { return dial(ctx, s.dir, s.Program, "demo-server", ws) })
	if err != nil {
		return nil, err
	}
	w := &without{Failed: []string{}}
	for i, call := range s.Calls {
		if !call.Attack {
			continue
		}
		open, err := false, c.prepare(call)
		if err == nil {
			open, err = s.opens(ctx, c.client, call, ws)
		}
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		w.Attacks++
		if open {
			w.Succeed++
		} else {
			w.Failed = append(w.Failed, call.What)
		}
		s.expect(open == call.opens(), "without the door call %d (%s) succeeds: %v", i+1, call.What, open)
	}
	return w, c.close()
}

func (s *show) opens(ctx context.Context, c *client, call Call, ws string) (bool, error) {
	if call.Hangs {
		waiting, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_, err := c.call(waiting, call.Tool, call.arguments(ws))
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return true, nil
		}
		return false, err
	}
	all, err := flood(ctx, c, call, ws)
	for _, a := range all {
		if a.Refused || !call.shown(a.Text) {
			return false, err
		}
	}
	return true, err
}

// flood sends the call as often at once as it says and waits for all answers.
func flood(ctx context.Context, c *client, call Call, ws string) ([]answer, error) {
	all := make([]answer, max(1, call.Times))
	errs := make(chan error, len(all))
	for i := range all {
		go func() {
			var err error
			all[i], err = c.call(ctx, call.Tool, call.arguments(ws))
			errs <- err
		}()
	}
	var err error
	for range all {
		err = errors.Join(err, <-errs)
	}
	return all, err
}

// withDoor makes all calls through the door, one after the other as an agent
// does, and returns what came of them.
func (s *show) withDoor(ctx context.Context, door *linked) ([]outcome, error) {
	ws := door.ws
	var shown []outcome
	started := false
	for i, call := range s.Calls {
		if call.Tool == "query" && !started {
			started = true
			s.Progress("starting the SQL parser (some seconds, the first time only) …")
		}
		typed := ""
		if len(call.Person) > 0 {
			var err error
			if typed, err = s.person(ctx, call.Person); err != nil {
				return nil, err
			}
		}
		if err := door.prepare(call); err != nil {
			return nil, err
		}
		all, err := flood(ctx, door.client, call, ws)
		if err != nil {
			return nil, err
		}
		o := judge(i+1, call, ws, all)
		o.Typed = typed
		if call.Sees != "" && o.Wrong == "" {
			if o.Seen, err = s.sees(ctx, call); err != nil {
				return nil, err
			}
			if !strings.Contains(o.Seen, call.Sees) {
				o.Wrong = fmt.Sprintf("the person does not see %q", call.Sees)
			}
		}
		if o.Retry > 0 {
			if o.Again, err = passesAfter(ctx, door.client, call, ws, o.Retry); err != nil {
				return nil, err
			}
			if !o.Again && o.Wrong == "" {
				o.Wrong = fmt.Sprintf("a call that waited %g s did not pass", o.Retry)
			}
		}
		s.expect(o.Wrong == "", "call %d (%s): %s", o.N, o.What, o.Wrong)
		s.Progress("")
		if err := s.print.call(o); err != nil {
			return nil, err
		}
		shown = append(shown, o)
	}
	return shown, nil
}

// judge compares the answers with what the call must get.
func judge(n int, call Call, ws string, all []answer) outcome {
	o := outcome{N: n, What: call.What, Tool: call.Tool, Arguments: call.arguments(ws), Times: call.Times, Verdict: "allowed"}
	for _, a := range all {
		if !a.Refused {
			o.Passed++
			if o.Message == "" {
				o.Message = a.Text
			}
			switch {
			case call.Comes != "":
				if o.Gets = gets(call, a.Text); o.Gets == "" {
					o.Wrong = fmt.Sprintf("the result is as the server gave it, or without %q", call.Comes)
				}
			case call.Shows != "" && !call.shown(a.Text):
				o.Wrong = fmt.Sprintf("the answer does not say %q", call.Shows)
			}
			continue
		}
		if o.Retry == 0 || a.Retry > o.Retry || o.Code == "" {
			o.Verdict, o.Code, o.Message, o.Call = "denied", ostiary.Code(a.Code), a.Text, a.Call
			o.Retry = math.Max(o.Retry, a.Retry)
		}
		if call.Want != "" && ostiary.Code(a.Code) != call.Want {
			o.Code, o.Wrong = ostiary.Code(a.Code), fmt.Sprintf("the code must be %q and is %q", call.Want, a.Code)
		}
		if call.shown(a.Text) {
			o.Wrong = fmt.Sprintf("the refusal says %q", call.Shows)
		}
	}
	refused := len(all) - o.Passed
	switch {
	case o.Wrong != "":
	case call.Want == "" && refused > 0:
		o.Wrong = "it must pass"
	case call.Want != "" && refused == 0:
		o.Wrong = fmt.Sprintf("it passed; the code must be %q", call.Want)
	case call.Times > 0 && (o.Passed == 0 || o.Retry <= 0):
		o.Wrong = "some calls of a flood pass and the rest are told when to come again"
	}
	if o.Code == ostiary.CodeApprovalPending {
		o.Verdict = "asks"
	}
	return o
}

// gets is what the agent gets of a treated result, the line that matters where that is
// one; "" if it is not treated.
func gets(call Call, text string) string {
	if call.shown(text) || !strings.Contains(text, call.Comes) {
		return ""
	}
	for line := range strings.Lines(text) {
		if !call.Bare && strings.Contains(line, call.Comes) {
			return strings.TrimSpace(line)
		}
	}
	return text
}

// passesAfter reports whether one more call passes after exactly the time that
// the door named. A call of the flood that passed late moves that time once.
func passesAfter(ctx context.Context, door *client, call Call, ws string, seconds float64) (bool, error) {
	for range 2 {
		t := time.NewTimer(time.Duration(seconds * float64(time.Second)))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return false, context.Cause(ctx)
		}
		a, err := door.call(ctx, call.Tool, call.arguments(ws))
		if err != nil || !a.Refused {
			return err == nil, err
		}
		seconds = a.Retry
	}
	return false, nil
}
