package gateway

import (
	"slices"
	"sync"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// tasks are the tasks that the server of an endpoint has made, each with whose it
// is and what it runs. Many people share the server there, and its ids say nothing
// of who may use them, so an id that is not known to be the caller's is refused.
// Over stdio one client has the server for itself, and nothing is refused; there it
// is only known what a task runs.
type tasks struct {
	mu    sync.Mutex
	made  map[string]task
	order map[string][]string // the ids of each principal, the oldest first
}

// task is what is known of one task.
type task struct {
	who    string
	class  ostiary.Class
	method string
	target string
	mixed  bool // the server gave the id to calls of different things
}

// Bounds of what is kept: the tasks of one principal, of which the oldest is
// forgotten, and the bytes of an id.
const (
	tasksMost   = 1000
	taskIDBytes = 1024
)

func newTasks() *tasks { return &tasks{made: map[string]task{}, order: map[string][]string{}} }

// add notes a task that the server has made. It returns false if the id is another
// principal's, or is none that can be kept.
func (t *tasks) add(id string, made task) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.made[id]
	switch {
	case known && old.who != made.who, id == "", len(id) > taskIDBytes:
		return false
	case !known:
		ids := append(t.order[made.who], id)
		if len(ids) > tasksMost {
			delete(t.made, ids[0])
			ids = slices.Delete(ids, 0, 1)
		}
		t.order[made.who] = ids
	}
	made.mixed = known && (old.mixed || old.class != made.class || old.target != made.target)
	t.made[id] = made
	return true
}

// of returns a task if it is this principal's.
func (t *tasks) of(who, id string) (task, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	made, known := t.made[id]
	return made, known && made.who == who
}

// noteTask notes the task that an answer names, before anything else is read of the
// server: what it says of the task may come right behind.
func (d *door) noteTask(m *wire.Message) {
	if m.TaskID == "" {
		return
	}
	if p := d.down.asked(m.Key); p != nil && p.who != "" {
		d.made.add(m.TaskID, task{who: p.who, class: p.class, method: p.method, target: p.target})
	}
}

// bound checks that the task which an answer names has become the caller's.
func (d *door) bound(q *caller, reply *wire.Message) error {
	if d.o.tasks == nil || reply == nil || reply.TaskID == "" {
		return nil
	}
	if _, mine := d.o.tasks.of(d.principal(q.on).ID, reply.TaskID); mine {
		return nil
	}
	return &ostiary.Error{Code: ostiary.CodeGatewayTask,
		Message: "the server named a task by an id that another caller's task has, so its answer was withheld: whether the call took effect is unknown; tell the operator about the server"}
}

// errTask is the refusal of a task that is not known to be the caller's; whether it
// is somebody else's is not said.
var errTask = &ostiary.Error{Code: ostiary.CodeGatewayTask,
	Message: "no task of yours has this id: list your tasks, or call the tool again"}

// treatedAs has what is said of a task treated as what its tool says itself; a row of
// the operator's that is about the method says for itself how.
func treatedAs(c *ostiary.Call, of tool, rule *ostiary.Rule) {
	c.OutputSchema = of.output
	if c.Rule.Written() || c.Rule.Output == rule.Output {
		return
	}
	made := *c.Rule
	made.Output = rule.Output
	c.Rule = &made
}

// tells has a notification of a task treated as what its tool says: in revision
// 2026-07-28 it holds the result. It does not wait for a newer list, which the server
// would send behind it.
func (d *door) tells(c *ostiary.Call, m *wire.Message) {
	if c == nil || m.Method != "notifications/tasks" {
		return
	}
	id, _ := wire.Member(m.Params, "taskId")
	made, mine := d.made.of(d.o.Principal.ID, word(id))
	if !mine || made.mixed {
		return
	}
	now, of := d.catalog.latest(), tool{}
	if made.class == ostiary.ClassTool {
		of = now.named[made.target]
	}
	treatedAs(c, of, speaks(now.book, &ostiary.Call{Class: made.class, Method: made.method, Target: made.target}))
}

// foreign reports whether a notification speaks of a task that is not known to be
// that of the door's principal.
func (d *door) foreign(m *wire.Message) bool {
	if d.o.tasks == nil || m.Method != "notifications/tasks/status" && m.Method != "notifications/tasks" {
		return false
	}
	id, _ := wire.Member(m.Params, "taskId")
	_, mine := d.o.tasks.of(d.o.Principal.ID, word(id))
	return !mine
}
