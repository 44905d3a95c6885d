package gateway

import (
	"context"
	"strconv"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// caller is one request of the client from its arrival to its answer, and the
// door's end of its call.
type caller struct {
	pending // its entry among the open requests

	d   *door
	ctx context.Context // ends with the request
	m   *wire.Message   // as it goes to the server
	c   *ostiary.Call

	parameters []parameter // that the header repeats
	share      *share      // of its message, by WebSocket

	preview bool // the door's own dry run of another call
	signs   int  // signs of life so far

	state  string        // our own requestState, which the client brought back
	said   ostiary.Reply // the answer that came with it
	dialog *ostiary.Dialog

	watch watch // of the time that the call may run
}

// Cancel implements ostiary.Caller.
func (q *caller) Cancel(cause error) { q.cancel(cause) }

// Current implements ostiary.Caller. It waits for a list that is being read.
func (q *caller) Current() error {
	if q.c.Class != ostiary.ClassTool {
		return nil
	}
	now, err := q.d.catalog.definition(q.ctx, q.c.Target)
	if err != nil || now == q.c.Definition {
		return err
	}
	return &ostiary.Error{Code: ostiary.CodeApprovalVoid,
		Message: "the server changed the description of this tool while this call waited, so it was not run and what was approved of it is void: list the tools again and look whether you still want to call it"}
}

// Progress implements ostiary.Caller. Progress must grow with every notification
// of a token, and what the server will say of its own is not known, but begins
// at 0 or above. So ours are negative and come closer to 0: -1, -1/2, -1/3.
func (q *caller) Progress(message string) bool {
	if q.preview || q.m.ProgressKey == "" {
		return false
	}
	q.signs++
	b := append([]byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":`), q.m.ProgressToken...)
	b = strconv.AppendFloat(append(b, `,"progress":`...), -1/float64(q.signs), 'f', -1, 64)
	b = append(append(append(b, `,"message":`...), wire.Quote(message)...), "}}"...)
	return q.d.toClient.send(q.ctx, q.on, b) == nil
}
