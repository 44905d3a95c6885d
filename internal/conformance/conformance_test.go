package conformance

import (
	"testing"

	"github.com/ostiary/ostiary/internal/peers"
)

// everything is the server of the Go SDK that has what the suite asks for.
const everything = "github.com/modelcontextprotocol/go-sdk/conformance/everything-server"

// TestThroughIsAsDirect: both frozen sets of requirements hold through the door,
// without a list of expected failures, and every scenario that passes direct
// passes through, and the other way round. Scenarios of the tasks extension are
// not scored, and fail in both, since the server has no tasks; they are compared
// by pass and fail and not by their checks, because the door answers an unknown
// tool itself, in another way than the server. The same server over stdio, which
// has sessions and no HTTP of its own, is compared with itself too.
func TestThroughIsAsDirect(t *testing.T) {
	suite := peers.Conformance(t, "server")
	program := peers.Build(t, everything)
	for _, of := range []struct {
		requirements, stateless string
		least                   int // scenarios that pass
	}{
		{"2025-11-25", "-stateless=false", 33},
		{"2026-07-28", "-stateless=true", 40},
	} {
		t.Run(of.requirements, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, program, of.stateless)
			direct := run(t, suite, server, of.requirements)
			through := run(t, suite, inFrontOf(t, server), of.requirements)
			if direct.passes() < of.least {
				t.Errorf("only %d scenarios pass direct, want %d:\n%s", direct.passes(), of.least, direct.text)
			}
			if through.status != 0 {
				t.Errorf("the suite ended with status %d through the door:\n%s", through.status, through.text)
			}
			for name, passed := range direct.scenarios {
				if got, ran := through.scenarios[name]; !ran || got != passed {
					t.Errorf("%s: passed direct %v, through the door %v (ran: %v)\n%s", name, passed, got, ran, through.text)
				}
			}
			if len(through.scenarios) != len(direct.scenarios) {
				t.Errorf("%d scenarios through the door, %d direct", len(through.scenarios), len(direct.scenarios))
			}
			if of.requirements == "2025-11-25" {
				sameOverStdio(t, direct, run(t, suite, overStdio(t, program), of.requirements))
			}
		})
	}
}

// TestADifferenceShows is the control: what stands in front of the server and
// takes something away is found by the same comparison.
func TestADifferenceShows(t *testing.T) {
	suite := peers.Conformance(t, "server")
	server := startServer(t, peers.Build(t, everything), "-stateless=false")
	through := run(t, suite, forgetting(t, server), "2025-11-25")
	if passed, ran := through.scenarios["completion-complete"]; through.status == 0 || !ran || passed {
		t.Fatalf("status %d, completion-complete ran %v and passed %v; a door without completion must fail:\n%s", through.status, ran, passed, through.text)
	}
}
