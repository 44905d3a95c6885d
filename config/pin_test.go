package config

import (
	"crypto/sha256"
	"testing"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/gateway"
	"github.com/ostiary/ostiary/wire"
)

// sees lets the house see a tool of the server "up", as a door would, and returns
// what identifies its definition.
func sees(t testing.TB, h *House, tool string) ostiary.Digest {
	t.Helper()
	text, err := wire.Canonical([]byte(`{"name":"` + tool + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Pins().See(t.Context(), gateway.Sight{Upstream: "up", Principal: "alice"}, gateway.KindTool, []gateway.Entry{{Name: tool, Text: text}}); err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(text)
}
