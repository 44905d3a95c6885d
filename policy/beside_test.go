package policy

import (
	"testing"

	"github.com/ostiary/ostiary"
)

// TestConditionsSeeWhatStandsBeside: what reaches the server beside the arguments
// can be named. The control is the call without it.
func TestConditionsSeeWhatStandsBeside(t *testing.T) {
	cs := newTestConditions(t)
	more := argsCall(t, `{}`)
	more.BesideArgs = argsCall(t, `{"inputResponses":{"sure":{"action":"accept"}},"task":{"ttl":9}}`).Args
	for when, want := range map[string][2]bool{
		`size(call.beside) > 0`:                             {false, true},
		`has(call.beside.inputResponses)`:                   {false, true},
		`has(call.beside.requestState)`:                     {false, false},
		`"task" in call.beside && call.beside.task.ttl > 5`: {false, true},
		`call.beside.all(name, name == "task")`:             {true, false},
	} {
		compiled, err := cs.compile(when, scope{tool: "files/write_file", args: newArgTypes([]byte(writeSchema))})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for i, c := range []*ostiary.Call{argsCall(t, `{}`), more} {
			if got, err := compiled.Holds(t.Context(), c); err != nil || got != want[i] {
				t.Errorf("%s, call %d: %v %v, want %v", when, i, got, err, want[i])
			}
		}
	}
}
