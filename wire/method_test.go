package wire

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ostiary/ostiary"
)

// -write rewrites the table in the documentation instead of comparing it.
var write = flag.Bool("write", false, "write docs/reference/methods.md")

const methodsFile = "../docs/reference/methods.md"

// methods is every method of the protocol, to be described on purpose.
func methods() []string {
	return []string{
		"initialize", "ping", "server/discover", "logging/setLevel",
		"tools/list", "resources/list", "resources/templates/list", "prompts/list",
		"tools/call", "resources/read", "resources/subscribe", "resources/unsubscribe", "prompts/get", "completion/complete",
		"tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "tasks/update", "subscriptions/listen",
		"elicitation/create", "sampling/createMessage", "roots/list",
		"notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/message",
		"notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
		"notifications/prompts/list_changed", "notifications/roots/list_changed", "notifications/elicitation/complete",
		"notifications/tasks/status", "notifications/tasks", "notifications/subscriptions/acknowledged",
	}
}

func TestMethodsAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Methods

Every method of the protocol revisions 2024-11-05, 2025-03-26, 2025-06-18 and 2025-11-25 (legacy) and 2026-07-28 with its
tasks extension (modern), who sends it, and the class by which rules and gates treat it. A method that is not in this table, or
that the other side sends, has the class ` + "`unknown`" + ` and is refused unless a rule allows it. What each class passes stands below. This table is written and checked by
` + "`go test ./wire -run TestMethodsAreDocumented -write`" + `.

| method | from | class | eras |
|---|---|---|---|
`)
	for _, method := range methods() {
		known := false
		for _, from := range []Direction{FromClient, FromServer} {
			if info := Describe(method, from); info.Known {
				known = true
				fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", method, from, info.Class, info.Eras)
			}
		}
		if !known {
			t.Errorf("%s is not known", method)
		}
	}
	file, err := os.ReadFile(methodsFile)
	if err != nil {
		t.Fatal(err)
	}
	// What each class passes is written and checked by package gateway.
	got, passes, more := strings.Cut(string(file), "\n## ")
	if *write && got != b.String() {
		if got = b.String(); more {
			passes = "\n## " + passes
		}
		if err := os.WriteFile(methodsFile, []byte(got+passes), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got != b.String() {
		t.Errorf("%s differs from what Describe says; run: go test ./wire -run TestMethodsAreDocumented -write", methodsFile)
	}
}

// Each method that the source knows is in the table above, so that none is known
// and not documented.
func TestMethodListIsComplete(t *testing.T) {
	src, err := os.ReadFile("method.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range methods() {
		listed[m] = true
	}
	found := 0
	for _, quoted := range strings.Split(string(src), `"`) {
		if quoted == "ping" || quoted == "initialize" || strings.Contains(quoted, "/") && !strings.ContainsAny(quoted, " .\n") {
			found++
			if !listed[quoted] {
				t.Errorf("%s is not listed", quoted)
			}
		}
	}
	if found < len(listed) {
		t.Errorf("found %d methods in the source, listed %d", found, len(listed))
	}
}

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		method string
		from   Direction
		class  ostiary.Class
		eras   Eras
		note   bool
	}{
		{"tools/call", FromClient, ostiary.ClassTool, BothEras, false},
		{"tools/call", FromServer, ostiary.ClassUnknown, 0, false},
		{"Tools/Call", FromClient, ostiary.ClassUnknown, 0, false},
		{"tools/call ", FromClient, ostiary.ClassUnknown, 0, false},
		{"", FromClient, ostiary.ClassUnknown, 0, false},
		{"sampling/createMessage", FromServer, ostiary.ClassSampling, LegacyOnly, false},
		{"sampling/createMessage", FromClient, ostiary.ClassUnknown, 0, false},
		{"tasks/update", FromClient, ostiary.ClassTaskInput, ModernOnly, false},
		{"tasks/update", FromServer, ostiary.ClassUnknown, 0, false},
		{"tasks/get", FromServer, ostiary.ClassTask, LegacyOnly, false},
		{"server/discover", FromClient, ostiary.ClassControl, ModernOnly, false},
		{"notifications/cancelled", FromServer, ostiary.ClassNotification, BothEras, true},
		{"notifications/message", FromClient, ostiary.ClassUnknown, 0, false},
		{"notifications/vendor", FromServer, ostiary.ClassUnknown, 0, false},
	} {
		got := Describe(tt.method, tt.from)
		if got.Class != tt.class || got.Eras != tt.eras || got.Notification != tt.note || got.Known != (tt.eras != 0) {
			t.Errorf("%s from %s: %+v", tt.method, tt.from, got)
		}
	}
}

func TestEra(t *testing.T) {
	for v, want := range map[string]Era{"2024-11-05": EraLegacy, "2025-03-26": EraLegacy, "2025-06-18": EraLegacy, "2025-11-25": EraLegacy, "2026-07-28": EraModern} {
		if era, ok := EraOf(v); era != want || !ok {
			t.Errorf("%s: %s, %v", v, era, ok)
		}
	}
	for _, v := range []string{"", "2026-07-29", "2026-07-28 "} {
		if _, ok := EraOf(v); ok {
			t.Errorf("%q is known", v)
		}
	}
	if BothEras.String() != "legacy, modern" || !BothEras.Has(EraModern) || LegacyOnly.Has(EraModern) || Eras(0).String() != "none" {
		t.Error("sets of eras")
	}
}
