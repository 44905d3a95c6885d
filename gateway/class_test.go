package gateway

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/policy"
)

// -write rewrites the second table of the documentation instead of comparing it.
var write = flag.Bool("write", false, "write what each class passes to docs/reference/methods.md")

const (
	methodsFile    = "../docs/reference/methods.md"
	classesHeading = "\n## What each class passes\n"
)

// classRow is one message of a class as the table has it, and how it is driven
// through a door.
type classRow struct {
	class  ostiary.Class
	from   string // who sends it
	method string
	within string // what else is to be said of it
	drive  func(*classDrive)
}

// id is no other row's.
func (r *classRow) id() string { return r.method + " " + r.from + " " + r.within }

// pattern is the row of the policy that speaks for it.
func (r *classRow) pattern() policy.Row {
	if r.class == ostiary.ClassTool {
		return policy.Row{Kind: policy.Tool, Pattern: "up/read", Effect: ostiary.EffectRead}
	}
	if r.class == ostiary.ClassResource { // subscriptions too are a matter of what is read
		return policy.Row{Kind: policy.Resource, Pattern: "up/x:y", Effect: ostiary.EffectRead}
	}
	return policy.Row{Kind: policy.Method, Pattern: "up/" + r.method, Effect: ostiary.EffectRead}
}

// classRows is every class, with each way in which one of its messages travels.
// What a text of the server's must not do unseen holds the word that the filter of
// the test treats.
func classRows() []classRow {
	ask := func(class ostiary.Class, method, params string) classRow {
		return classRow{class, "client", method, "", twice(func(d *classDrive) { d.clientAsks(method, params) })}
	}
	modern := func(class ostiary.Class, method, params string) classRow {
		return ask(class, method, params+modernMembers)
	}
	said := func(method, params string) classRow {
		return classRow{ostiary.ClassNotification, "server", method, "", twice(func(d *classDrive) { d.serverSays(method, params) })}
	}
	asked := func(class ostiary.Class, method, params string) classRow {
		return classRow{class, "server", method, "", twice(func(d *classDrive) { d.serverAsks(method, params) })}
	}
	return []classRow{
		{ostiary.ClassControl, "client", "initialize", "", twice((*classDrive).shakes)},
		ask(ostiary.ClassControl, "ping", ""),
		ask(ostiary.ClassControl, "logging/setLevel", `"level":"info"`),
		modern(ostiary.ClassControl, "server/discover", ""),
		asked(ostiary.ClassControl, "ping", ""),
		ask(ostiary.ClassList, "prompts/list", ""),
		ask(ostiary.ClassTool, "tools/call", `"name":"read","arguments":{}`),
		ask(ostiary.ClassResource, "resources/read", `"uri":"x:y"`),
		ask(ostiary.ClassResource, "resources/subscribe", `"uri":"x:y"`),
		ask(ostiary.ClassPrompt, "prompts/get", `"name":"p"`),
		ask(ostiary.ClassCompletion, "completion/complete", `"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"b"}`),
		ask(ostiary.ClassTask, "tasks/get", `"taskId":"T"`),
		ask(ostiary.ClassTask, "tasks/result", `"taskId":"T"`),
		asked(ostiary.ClassTask, "tasks/get", `"taskId":"T"`),
		modern(ostiary.ClassTaskInput, "tasks/update", `"taskId":"T",`),
		modern(ostiary.ClassSubscribe, "subscriptions/listen", `"notifications":{},`),
		asked(ostiary.ClassElicitation, "elicitation/create", `"message":"planted","requestedSchema":{"type":"object","properties":{}}`),
		{ostiary.ClassElicitation, "server", "elicitation/create", "inside a result", func(d *classDrive) {
			d.asksInside("elicitation/create", `"message":"planted","requestedSchema":{"type":"object","properties":{}}`)
		}},
		asked(ostiary.ClassSampling, "sampling/createMessage", `"messages":[{"role":"user","content":{"type":"text","text":"planted"}}],"maxTokens":9`),
		{ostiary.ClassSampling, "server", "sampling/createMessage", "inside a result", func(d *classDrive) {
			d.asksInside("sampling/createMessage", `"messages":[{"role":"user","content":{"type":"text","text":"planted"}}],"maxTokens":9`)
		}},
		asked(ostiary.ClassRoots, "roots/list", ""),
		{ostiary.ClassAnswer, "client", "elicitation/create", "", (*classDrive).answers},
		{ostiary.ClassNotification, "client", "notifications/roots/list_changed", "", twice(func(d *classDrive) { d.clientSays("notifications/roots/list_changed") })},
		{ostiary.ClassNotification, "server", "notifications/progress", "", (*classDrive).progress},
		said("notifications/message", `"level":"info","data":"planted"`),
		said("notifications/resources/updated", `"uri":"x:planted"`),
		said("notifications/tools/list_changed", `"_meta":{"x":"planted"}`),
		said("notifications/tasks", `"taskId":"T","status":"working","statusMessage":"planted"`),
		ask(ostiary.ClassUnknown, "vendor/x", ""),
		asked(ostiary.ClassUnknown, "vendor/x", ""),
		{ostiary.ClassMalformed, "client", "", "a key twice", (*classDrive).malformed},
	}
}

// columns are the cells of all rows, beside what each row is: without a rule, for
// each gate in a world in which it must speak, and with a filter.
func columns(t *testing.T, rows []classRow) [][]string {
	cells := make([][]string, len(rows))
	column := func(name string, fill func(t *testing.T) []string) {
		t.Run(name, func(t *testing.T) {
			for i, cell := range fill(t) {
				cells[i] = append(cells[i], cell)
			}
		})
	}
	recorded := make([]string, len(rows))
	column("no rule", func(t *testing.T) (fates []string) {
		for i, got := range driveAll(t, rows, newWorld(t), false, false, nil) {
			recorded[i] = either(got.recorded, "yes", "·")
			fates = append(fates, either(got.passed, "passes", "refused"))
		}
		return fates
	})
	column("recorded", func(*testing.T) []string { return recorded })
	for _, of := range worlds {
		column(of.gate, func(t *testing.T) (say []string) {
			w := newWorld(t)
			of.make(w)
			by := newWorld(t)
			of.make(by)
			conditional := driveAll(t, rows, by, true, true, of.spoke)
			for i, got := range driveAll(t, rows, w, true, false, of.spoke) {
				ruled := rows[i].class == ostiary.ClassNotification && recorded[i] != "yes" && (!got.spoke || w.rules)
				say = append(say, either(!conditional[i].spoke && !got.spoke, "·", either(ruled, "by rule", "yes")))
			}
			return say
		})
	}
	column("filters", func(t *testing.T) (said []string) {
		w := newWorld(t)
		w.line = func(o *ostiary.Options) { o.Filters = append(o.Filters, treating{}) }
		for _, got := range driveAll(t, rows, w, true, false, nil) {
			switch {
			case strings.Contains(got.client, "planted"):
				said = append(said, "**no**")
			default:
				said = append(said, either(strings.Contains(got.client, "treated"), "yes", "·"))
			}
		}
		return said
	})
	return cells
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// TestEachClassPassesWhatTheTableSays drives a message of every class through a real
// door: once without a rule, once for each gate in a world in which that gate must
// refuse it, or let it pass, and once with a filter. The table is what happened.
func TestEachClassPassesWhatTheTableSays(t *testing.T) {
	var b strings.Builder
	b.WriteString(classesHeading + `
A message of every class was sent through a door, once for each column: ` + "`go test ./gateway -run TestEachClassPasses -write`" + ` writes this table, and
without ` + "`-write`" + ` it is checked. **no rule**: what happens where no row of the policy speaks. **recorded**: it has a record of its own; what has none is
counted where it is dropped. A dot under a gate: the gate lets the class pass unseen. *by rule*: only where the row of the policy that speaks
for the method has more to say than that it may pass. **filters**: what a client gets of it went through the filters of the way out; a dot:
nothing of it goes to a client. Beside this, a freeze does not hold a handshake, a ping, a list or a cancellation.

| class | method | from | no rule | recorded | ` + strings.Join(gateNames(), " | ") + ` | filters |
|---|---|---|---|---|` + strings.Repeat("---|", len(worlds)) + `---|
`)
	classes := map[ostiary.Class]bool{}
	rows := classRows()
	cells := columns(t, rows)
	for i, row := range rows {
		classes[row.class] = true
		what := "`" + row.method + "`"
		if row.method == "" {
			what = ""
		}
		if row.within != "" {
			what = strings.TrimPrefix(what+", "+row.within, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", row.class, what, row.from, strings.Join(cells[i], " | "))
	}
	for c := ostiary.ClassUnknown; c <= ostiary.ClassMalformed; c++ {
		if !classes[c] {
			t.Errorf("no message of the class %s is driven", c)
		}
	}
	file, err := os.ReadFile(methodsFile)
	if err != nil {
		t.Fatal(err)
	}
	head, table, _ := strings.Cut(string(file), classesHeading)
	if *write && !t.Failed() {
		if err := os.WriteFile(methodsFile, []byte(head+b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := classesHeading + table; got != b.String() {
		t.Errorf("%s differs from what happens; see whether each change is meant, then run: go test ./gateway -run TestEachClassPasses -write\n%s", methodsFile, differs(got, b.String()))
	}
}

// differs are the lines in which two texts differ.
func differs(documented, happened string) string {
	had, has := strings.Split(documented, "\n"), strings.Split(happened, "\n")
	var b strings.Builder
	for i := range max(len(had), len(has)) {
		var x, y string
		if i < len(had) {
			x = had[i]
		}
		if i < len(has) {
			y = has[i]
		}
		if x != y {
			fmt.Fprintf(&b, "documented: %s\nhappened:   %s\n", x, y)
		}
	}
	return b.String()
}
