package gateway

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/ostiary/ostiary/wire"
)

// seenTools are the tools that went by in lists, as far as their arguments stand
// in the header too (MCP 2026-07-28, x-mcp-header). A call of a tool that was not
// listed says nothing of its arguments there, and the door says what is missing.
type seenTools struct {
	mu sync.Mutex
	of map[string][]parameter
}

// mostSeen is how many tools with such arguments are kept.
const mostSeen = 10_000

// see takes a page of a list, of which the first replaces what was known.
func (s *seenTools) see(params, result []byte) {
	_, later := wire.Member(params, "cursor")
	var page struct {
		Tools []struct {
			Name        string          `json:"name"`
			InputSchema json.RawMessage `json:"inputSchema"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(result, &page); err != nil {
		return // the client sees it too, and what the header lacks is refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !later || s.of == nil {
		s.of = map[string][]parameter{}
	}
	for _, t := range page.Tools {
		if delete(s.of, t.Name); !bytes.Contains(t.InputSchema, []byte("x-mcp-header")) || len(s.of) >= mostSeen {
			continue
		}
		var schema any
		if err := json.Unmarshal(t.InputSchema, &schema); err == nil {
			s.of[t.Name] = parametersOf(schema)
		}
	}
}

func (s *seenTools) parameters(tool string) []parameter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[tool]
}
