package house

import (
	"slices"
	"strings"
	"testing"
)

// floors is the one-way order of the house: a package imports only from floors
// above its own line, and rooms on one floor do not import each other. What one
// needs of another is passed in by config. A room may be missing until it is built.
var floors = [][]string{
	{""}, // the root package: the words and the line
	{"wire"},
	{
		"auth", "policy", "validate", "limit", "flow", "freeze", "preview", "approval", "grant", "idempotency", "redact",
		"untrusted", "audit", "pin", "sandbox", "egress", "credential", "store", "telemetry",
	},
	{"tools", "middleware", "console", "scan", "incident"},
	{"gateway"},
	{"config"},
	{"calltest"},
	{"cmd", "bench"},
}

const (
	module  = "github.com/ostiary/ostiary"
	mcpSDK  = "github.com/modelcontextprotocol/go-sdk"
	jsonV2  = "github.com/go-json-experiment/json"
	peers   = "internal/peers"
	demo    = "internal/demo/server"
	hisRoom = "a room that the design does not name; add it to floors in internal/house/order_test.go with the floor it stands on"
)

// sdkUsers are the only packages that may import the MCP SDK outside of tests:
// where Ostiary is itself an end of the line.
var sdkUsers = []string{"middleware", "gateway", "scan", "tools", "bench"}

// TestOrder checks the imports of every package, those of tests included as far
// as floors go.
func TestOrder(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if why := forbidden(p.name(), imp, false); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := forbidden(p.name(), imp, true); why != "" {
				t.Errorf("a test of %s imports %s: %s", p.ImportPath, imp, why)
			}
		}
	}
}

// TestOrderSees breaks the order on purpose: a check that finds nothing proves
// nothing.
func TestOrderSees(t *testing.T) {
	for _, c := range []struct {
		from, imp string
		test, ok  bool
	}{
		{"", "net/http", false, true},
		{"", "golang.org/x/mod/sumdb/note", false, false},
		{"", module + "/wire", false, false},
		{"wire", module, false, true},
		{"wire", jsonV2 + "/jsontext", false, true},
		{"audit", jsonV2, false, false},
		{"audit", jsonV2, true, false},
		{"audit", module + "/wire", false, true},
		{"audit", module + "/policy", false, false},
		{"audit", module + "/policy", true, true},
		{"audit", module + "/gateway", true, false},
		{"audit", module + "/audit/index", false, true},
		{"audit/index", module + "/audit", false, true},
		{"audit/index", module + "/policy", false, false},
		{"validate/path", module + "/validate", false, true},
		{"gateway", module + "/audit", false, true},
		{"gateway", module + "/config", false, false},
		{"gateway", mcpSDK + "/mcp", false, true},
		{"policy", mcpSDK + "/mcp", false, false},
		{"policy", mcpSDK + "/mcp", true, true},
		{"config", module + "/gateway", false, true},
		{"calltest", module + "/config", false, true},
		{"cmd/ostiary", module + "/calltest", false, true},
		{"cmd/ostiary", module + "/internal/demo/server", false, true},
		{"cmd/ostiary", module + "/internal/peers/echo", false, false},
		{"gateway", module + "/internal/peers/echo", false, false},
		{"internal/demo/server", mcpSDK + "/mcp", false, true},
		{"internal/demo", mcpSDK + "/mcp", false, false},
		{"internal/demo", module + "/gateway", false, false},
		{"internal/demo", module + "/internal/demo/server", false, true},
		{"gateway", module + "/internal/demo/server", false, false},
		{"gateway", module + "/internal/peers", true, true},
		{"audit", module + "/internal/clock", false, true},
		{"internal/clock", module, false, true},
		{"internal/clock", module + "/audit", false, false},
		{"cmd/ostiary", module + "/bench", false, false},
		{"misc", "fmt", false, false},
		{"audit", module + "/misc", false, false},
	} {
		if why := forbidden(c.from, c.imp, c.test); (why == "") != c.ok {
			t.Errorf("%q imports %s (test %v): got %q, want allowed %v", c.from, c.imp, c.test, why, c.ok)
		}
	}
}

// forbidden returns why the package from, named below the module, must not import
// imp; "" if it may.
func forbidden(from, imp string, test bool) string {
	if within(jsonV2, imp) && room(from) != "wire" {
		return "only wire parses with it, so that one place decides how strict the door is; use wire's functions or encoding/json"
	}
	if within(mcpSDK, imp) && !test && !slices.Contains(sdkUsers, room(from)) && !within(peers, from) && from != demo {
		return "only " + strings.Join(sdkUsers, ", ") + ", " + demo + " and " + peers + " may use the MCP SDK; it loses what it does not know"
	}
	internal := strings.HasPrefix(from, "internal/")
	if !internal && floor(room(from)) < 0 {
		return "it is itself " + hisRoom
	}
	to, ours := strings.CutPrefix(imp+"/", module+"/")
	to = strings.TrimSuffix(to, "/")
	switch {
	case !ours:
		if from == "" && !test && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
			return "the root package imports only the standard library, so that everybody can import it"
		}
		return ""
	case strings.HasPrefix(to, "internal/"):
		switch {
		case test, within(peers, from), room(from) == "bench":
			return ""
		case within(peers, to):
			return "peers are for tests and bench"
		case within("internal/demo", to) && room(from) != "cmd" && !within("internal/demo", from):
			return "the demonstration is for cmd"
		}
		return ""
	case floor(room(to)) < 0:
		return "it is " + hisRoom
	case internal:
		if to == "" || test || within(peers, from) {
			return ""
		}
		return "internal packages stand beside the root package and import nothing above it"
	case room(from) == room(to):
		return ""
	case floor(room(to)) > floor(room(from)):
		return "it stands on a later floor; pass in what is needed as a function or a value"
	case floor(room(to)) == floor(room(from)) && !test:
		return "rooms on one floor do not import each other; pass in what is needed, config wires it"
	}
	return ""
}

// room is the first folder of a package: sub-packages belong to their room.
func room(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

func floor(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

func within(parent, path string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }
