package gateway

import (
	"slices"

	"github.com/ostiary/ostiary/wire"
)

// metaLogLevel is the member of _meta by which a request asks for log messages while
// it runs (MCP 2026-07-28, logging).
const metaLogLevel = "io.modelcontextprotocol/logLevel"

// logLevels are those of RFC 5424, the least first.
var logLevels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// hearsLog is the stream of the request that a log message goes to: over stdio it
// names none, so it is the oldest that is open and asked for messages of its level.
// All of them are one principal's. Nil if there is none.
func (l *local) hearsLog(m *wire.Message) *stream {
	raw, _ := wire.Member(m.Params, "level")
	level := slices.Index(logLevels, word(raw))
	l.mu.Lock()
	defer l.mu.Unlock()
	var oldest *renamed
	for _, q := range l.open {
		raw, asks := wire.Member(q.m.Meta, metaLogLevel)
		if !asks || q.on == nil {
			continue
		}
		if least := slices.Index(logLevels, word(raw)); least < 0 || level < least {
			continue
		}
		if oldest == nil || q.n < oldest.n {
			oldest = q
		}
	}
	if oldest == nil {
		return nil
	}
	return oldest.on
}
