package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

func opened(t *inflight, key string, size int) (*pending, error) {
	_, cancel := context.WithCancelCause(context.Background())
	p := &pending{callID: "call-" + key, cancel: cancel, size: size, reply: make(chan struct{})}
	return p, t.add(key, p)
}

func TestInflightIsBounded(t *testing.T) {
	many := newInflight()
	for i := range openMost {
		if _, err := opened(many, fmt.Sprint(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := opened(many, "more", 1); !errors.Is(err, ostiary.CodeLimitConcurrency) {
		t.Errorf("one more: %v", err)
	}
	many.remove("0")
	if _, err := opened(many, "more", 1); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	large := newInflight()
	if _, err := opened(large, "a", 2*openBytes); err != nil {
		t.Errorf("the only one may be large: %v", err)
	}
	if _, err := opened(large, "b", 1); !errors.Is(err, ostiary.CodeLimitConcurrency) {
		t.Errorf("beside a large one: %v", err)
	}
}

func TestUnansweredIDsAreForgottenInTheEnd(t *testing.T) {
	f := newInflight()
	for i := range 3 * unansweredMost {
		key := fmt.Sprint(i)
		if _, err := opened(f, key, 1); err != nil {
			t.Fatal(err)
		}
		f.markSent(key)
		f.remove(key)
	}
	if len(f.late.calls) != unansweredMost || len(f.late.order) != unansweredMost || len(f.open) != 0 || f.bytes != 0 {
		t.Errorf("%d late, %d in order, %d open, %d bytes", len(f.late.calls), len(f.late.order), len(f.open), f.bytes)
	}
	if _, late := f.deliver(&wire.Message{Key: "0"}); late != "" {
		t.Error("the oldest is remembered")
	}
	if _, late := f.deliver(&wire.Message{Key: fmt.Sprint(3*unansweredMost - 1)}); late == "" {
		t.Error("the newest is forgotten")
	}
}

// An answer counts exactly once, whatever comes with it.
func TestAnAnswerAtTheSameMomentAsItsEnd(t *testing.T) {
	reply := &wire.Message{Key: "k", Raw: []byte("{}")}
	for name, tt := range map[string]struct {
		steps               string // a answer, w withdrawal, e end of the wait
		answer, late, tells bool
	}{
		"answer, end":             {"ae", true, false, false},
		"withdrawal, answer, end": {"wae", true, false, false},
		"end, answer":             {"ea", false, true, true},
		"withdrawal, end, answer": {"wea", false, true, true},
		"answer, end, answer":     {"aea", true, true, false},
	} {
		f := newInflight()
		if _, err := opened(f, "k", 1); err != nil {
			t.Fatal(err)
		}
		f.markSent("k")
		var got *wire.Message
		var tells bool
		late := ""
		for _, s := range strings.Split(tt.steps, "") {
			switch s {
			case "a":
				if ok, call := f.deliver(reply); !ok {
					late = call
				}
			case "w":
				f.withdraw("k", []byte("x"), errWithdrawn)
			case "e":
				got, tells, _ = f.abandon("k")
			}
		}
		if (got != nil) != tt.answer || (late != "") != tt.late || tells != tt.tells {
			t.Errorf("%s: answer %v, late %q, tells %v", name, got != nil, late, tells)
		}
	}
}

func TestAnswersWaitForRoom(t *testing.T) {
	f := newInflight()
	p, err := opened(f, "k", 1)
	if err != nil {
		t.Fatal(err)
	}
	f.markSent("k")
	f.deliver(&wire.Message{Key: "k", Raw: make([]byte, unreleasedBytes+1)})
	f.remove("k")
	through := make(chan struct{})
	go func() { f.room(t.Context()); close(through) }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f.room(ended) // does not wait for ever
	select {
	case <-through:
		t.Fatal("there was no room")
	default:
	}
	f.release(p)
	<-through
}
