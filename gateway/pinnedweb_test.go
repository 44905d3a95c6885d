package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/pin"
)

// TestARugPullOverHTTP in both eras: the server lists a tool with other words. Without
// pins the call reaches it; with them it is refused, the tool beside it goes on, and
// after an acceptance the call runs.
func TestARugPullOverHTTP(t *testing.T) {
	for _, modern := range []bool{false, true} {
		for _, guarded := range []bool{false, true} {
			t.Run(fmt.Sprintf("modern %t guarded %t", modern, guarded), func(t *testing.T) {
				p, desk := pinsOver(t, t.TempDir())
				now := newClock()
				w := openWebHouse(t, rows(), func(o *ostiary.Options) {
					if guarded {
						o.Gates = slices.Insert(o.Gates, 2, ostiary.Gate(p))
					}
				}, func(o *HTTPOptions, _ *site) {
					if o.Door.Now = now.now; guarded {
						o.Door.Pins = pinning(p)
					}
				})
				list := func(read string) { w.behind.tools = `{"tools":[` + read + `,` + putTool + `]}` }
				begin := func() []string { // a client that looks at the tools anew
					if !modern {
						return []string{"Mcp-Session-Id", w.session()}
					}
					now.move(time.Hour) // over the time of any list
					return nil
				}
				run := func(tool string, fields []string) string {
					t.Helper()
					if modern {
						return w.post(modernRead("1", tool, `{}`), modernFields(tool)...).want(t, 200).body
					}
					return w.post(call("1", tool), fields...).want(t, 200).body
				}
				list(readTool)
				has(t, run("read", begin()), "done")
				list(pulledRead)
				fields := begin()
				if !guarded {
					has(t, run("read", fields), "done")
					return
				}
				run("put", fields) // in the modern era a list that is over its time is read again behind a call
				before := 0
				for deadline := time.Now().Add(time.Minute); ; {
					before = w.behind.count()
					if got := run("read", fields); strings.Contains(got, "definition_changed") {
						break
					}
					if time.Now().After(deadline) {
						t.Fatal("the changed tool is not refused")
					}
				}
				if w.behind.count() != before {
					t.Error("the refused call reached the server")
				}
				has(t, run("put", fields), "done")
				if _, err := desk.Accept(t.Context(), pin.Accept{Upstream: "up", Tool: "read"}, pin.Who{Name: "olga", Channel: "cli"}); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(time.Minute); !strings.Contains(run("read", fields), "done"); {
					if time.Now().After(deadline) {
						t.Fatal("what was accepted is refused")
					}
				}
			})
		}
	}
}
