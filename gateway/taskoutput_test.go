package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// sawOutput is a filter that notes how what comes back is to be treated.
type sawOutput struct{ seen chan string }

func (*sawOutput) Name() string { return "saw" }

func (s *sawOutput) Apply(_ context.Context, c *ostiary.Call, _ *ostiary.Result) error {
	if c.Class == ostiary.ClassTask || c.Method == "notifications/tasks" {
		s.seen <- fmt.Sprintf("trusted %t, schema %s", c.Rule.Output.Trusted, c.OutputSchema)
	}
	return nil
}

// TestTasksAreTreatedAsTheirTools: what a task gives, and tells, is treated as the result of the
// tool whose call it is, also over stdio; but not where nobody knows whose it is, the
// server gave the id to two tools, or a row is about the method itself.
func TestTasksAreTreatedAsTheirTools(t *testing.T) {
	for name, c := range map[string]struct {
		calls []string // of tools, each of which makes the task t
		row   bool
		want  string
	}{
		"vouched":  {[]string{"vouched"}, false, `trusted true, schema {"type":"object"}`},
		"again":    {[]string{"vouched", "vouched"}, false, `trusted true, schema {"type":"object"}`},
		"other":    {[]string{"other"}, false, "trusted false, schema "},
		"nobody's": {nil, false, "trusted false, schema "},
		"of two":   {[]string{"other", "vouched"}, false, "trusted false, schema "},
		"own row":  {[]string{"vouched"}, true, `trusted false, schema {"type":"object"}`},
	} {
		t.Run(name, func(t *testing.T) {
			rules := policy.Options{Rows: []policy.Row{
				{Kind: policy.Tool, Pattern: "up/vouched", Effect: ostiary.EffectRead, Output: ostiary.OutputRule{Trusted: true}},
				{Kind: policy.Tool, Pattern: "up/other", Effect: ostiary.EffectRead},
			}}
			if c.row {
				rules.Rows = append(rules.Rows, policy.Row{Kind: policy.Method, Pattern: "up/tasks/*", Effect: ostiary.EffectRead})
			}
			saw := &sawOutput{make(chan string, 10)}
			s := newScripted(t)
			s.auto = handshakes(`{"tools":[{"name":"vouched","inputSchema":{"type":"object"},"outputSchema":{"type":"object"}},{"name":"other","inputSchema":{"type":"object"}}]}`)
			b := openHouse(t, rules, func(o *ostiary.Options) { o.Filters = append(o.Filters, saw) }, s.behind).shaken()
			for i, tool := range c.calls {
				b.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{},"task":{}}}`, i+1, tool))
				s.say(result(parsed(t, s.next(tool)), `{"task":{"taskId":"t","status":"working"}}`))
				b.want(`"taskId":"t"`)
			}
			b.send(`{"jsonrpc":"2.0","id":9,"method":"tasks/result","params":{"taskId":"t"}}`)
			s.next("tasks/result")
			s.say(answer("9", "done"))
			b.want("done")
			if got := <-saw.seen; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			// In revision 2026-07-28 a notification says the same.
			if c.row {
				c.want = strings.Replace(c.want, "false", "true", 1) // its row is not about notifications
			}
			s.say(`{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t","status":"completed","result":{"content":[{"type":"text","text":"told"}]}}}`)
			b.want("told")
			if got := <-saw.seen; got != c.want {
				t.Errorf("a notification: got %s, want %s", got, c.want)
			}
		})
	}
}
