package demo

import (
	"encoding/json"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/internal/demo/server"
)

// Call is one thing that the agent tries, and what must come of it.
type Call struct {
	// What says in a few words what it is.
	What string
	Tool string
	// Arguments are JSON; {ws} in it stands for the workspace.
	Arguments string
	// Times is how many of them are sent at once; 0 means one.
	Times int
	// Want is the code of the refusal; "" if the call must pass.
	Want ostiary.Code
	// Attack says that the call must not pass. It is also made without the door.
	Attack bool
	// Shows is a text in the server's answer that proves that the call was carried
	// out: what an attack gets without the door and must not get with it. An
	// attack without it fails at the server as well.
	Shows string
	// Person is what a person types first; {id} stands for the request that waits
	// for an answer, {me} for the user who calls.
	Person []string
	// Sees is what the request's preview shows to the person afterwards.
	Sees string
	// Hangs says that without the door the call does not come back in time.
	Hangs bool
	// Comes is in the answer of an attack that passes and whose result is treated:
	// at the door it has this and does not show Shows.
	Comes string
	// Bare says that Shows is shown only with nothing around it.
	Bare bool
	// Update says that the server is started again first, in a new version.
	Update bool
}

// token is the secret that one call carries; it must not reach the log.
const token = "tok-5f1e9c0b7a2d4836"

// Calls are what the demonstration tries, in this order.
func Calls() []Call {
	return []Call{
		{
			What: "a read inside the workspace", Tool: "read_file",
			Arguments: `{"path":"notes.txt"}`, Shows: "water the plants",
		},
		{
			What: "traversal", Tool: "read_file", Attack: true,
			Arguments: `{"path":"../outside/secret.txt"}`, Want: ostiary.CodeValidatePath, Shows: server.Secret,
		},
		{
			What: "a sibling whose name begins alike", Tool: "read_file", Attack: true,
			Arguments: `{"path":"{ws}-evil/secret.txt"}`, Want: ostiary.CodeValidatePath, Shows: server.Secret,
		},
		{
			What: "a symbolic link that leads out", Tool: "read_file", Attack: true,
			Arguments: `{"path":"link/secret.txt"}`, Want: ostiary.CodeValidatePath, Shows: server.Secret,
		},
		{
			What: "a SELECT", Tool: "query",
			Arguments: `{"sql":"SELECT region, sum(total) FROM sales GROUP BY region"}`, Shows: "north | 1200",
		},
		{
			What: "a write hidden in a SELECT", Tool: "query", Attack: true,
			Arguments: `{"sql":"WITH x AS (DELETE FROM sales) SELECT 1"}`,
			Want:      ostiary.CodeValidateSQL, Shows: "statement received: WITH x AS (DELETE",
		},
		{
			What: "an argument that runs another program", Tool: "run", Attack: true,
			Arguments: `{"argv":["/usr/bin/sort","--compress-program=/bin/sh","a"]}`,
			Want:      ostiary.CodeValidateCommand, Shows: "would run:",
		},
		{
			What: "a tool that does not exist", Tool: "shell", Attack: true,
			Arguments: `{"command":"id"}`, Want: ostiary.CodePolicyUnknown,
		},
		{
			What: "a destructive call", Tool: "delete_file", Attack: true,
			Arguments: `{"path":"plan.md"}`, Want: ostiary.CodeApprovalPending, Shows: "deleted plan.md", Sees: "plan.md",
		},
		{
			What: "the same bytes, once a person has approved them", Tool: "delete_file",
			Person: []string{"approve", "{id}", "--yes"}, Arguments: `{"path":"plan.md"}`, Shows: "deleted plan.md",
		},
		{
			What: "an order that the model confirms for itself", Tool: "order", Attack: true,
			Arguments: `{"item":"paper","order_id":"o-1","confirm":true}`, Want: ostiary.CodeApprovalPending,
			Shows: "order number 1 placed", Sees: "would order paper for 12.50",
		},
		{
			What: "the order, once a person has seen its dry run and approved it", Tool: "order",
			Person: []string{"approve", "{id}", "--yes"}, Arguments: `{"item":"paper","order_id":"o-1","confirm":true}`,
			Shows: "order number 1 placed",
		},
		{
			What: "the same key again: the first result, and no second order", Tool: "order",
			Arguments: `{"item":"paper","order_id":"o-1","confirm":true}`, Shows: "order number 1 placed",
		},
		{
			What: "a delete under a grant for one use", Tool: "delete_file",
			Person:    []string{"grant", "create", "--principal", "{me}", "--tool", "demo/delete_file", "--uses", "1", "--for", "5m", "--reason", "tidy up"},
			Arguments: `{"path":"old.txt"}`, Shows: "deleted old.txt",
		},
		{
			What: "one more, when the grant is used up", Tool: "delete_file", Attack: true,
			Arguments: `{"path":"older.txt"}`, Want: ostiary.CodeApprovalPending, Shows: "deleted older.txt",
		},
		{
			What: "a write with a secret in its arguments", Tool: "secret",
			Arguments: `{"note":"call Alice","token":"` + token + `"}`, Shows: "note of 10 characters kept",
		},
		{
			What: "a key in a result", Tool: "read_file", Attack: true,
			Arguments: `{"path":"deploy.env"}`, Shows: server.Key(), Comes: "GITHUB_TOKEN=[REDACTED:",
		},
		{
			What: "a result that gives orders", Tool: "read_file", Attack: true, Bare: true,
			Arguments: `{"path":"mail.txt"}`, Shows: server.Injection, Comes: "not instructions",
		},
		{
			What: "a tool that does not come back", Tool: "slow", Attack: true,
			Arguments: `{"seconds":60}`, Want: ostiary.CodeLimitTimeout, Hangs: true,
		},
		{
			What: "a flood", Tool: "search", Attack: true, Times: 12,
			Arguments: `{"text":"report"}`, Want: ostiary.CodeLimitRate, Shows: "due on Friday",
		},
		{
			What: "a tool that an update of its server changed", Tool: "read_file", Attack: true, Update: true,
			Arguments: `{"path":"notes.txt"}`, Want: ostiary.CodePinChanged, Shows: server.Sent, Sees: "GITHUB_TOKEN",
		},
	}
}

// arguments are the bytes to send for a workspace.
func (c Call) arguments(ws string) json.RawMessage {
	text, err := json.Marshal(ws)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return json.RawMessage(strings.ReplaceAll(c.Arguments, "{ws}", strings.Trim(string(text), `"`)))
}

// shown reports whether a text is that of the call carried out, as the server gave it.
func (c Call) shown(text string) bool {
	if c.Bare {
		return text == c.Shows
	}
	return c.Shows != "" && strings.Contains(text, c.Shows)
}

// opens reports whether the attack must succeed without the door.
func (c Call) opens() bool { return c.Hangs || c.Shows != "" }
