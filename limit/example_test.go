package limit_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/limit"
)

func Example() {
	var now time.Duration
	o := limit.Defaults()
	o.Clock = func() time.Duration { return now }
	o.PerPrincipalTool, _ = limit.ParseRate("30/min")
	gate, err := limit.New(o)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &ostiary.Call{
		Principal: ostiary.Principal{ID: "alice"}, Class: ostiary.ClassTool, Upstream: "files",
		Target: "read_file", Rule: &ostiary.Rule{}, Effect: ostiary.EffectRead,
	}
	for {
		d, _ := gate.Check(context.Background(), c)
		if d.Verdict != ostiary.Allow {
			fmt.Println(d.Code, d.RetryAfter)
			fmt.Println(d.Message)
			return
		}
		d.Hold.Done()
	}
	// Output:
	// limit_rate 2s
	// too many calls: the limit is 30/min (calls of one principal to this tool); this one was not run: retry in 2.0 s
}
